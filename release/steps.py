"""Does one step of a plan through the Kubernetes API. A step that was done already does no harm."""

from __future__ import annotations

from typing import TypeAlias

from contract import labels
from contract.blue_green import RELEASE_MANAGER, preview, slot_name
from kube.client import KubernetesApiError, KubernetesObject
from release import objects, slots
from release.errors import LostRaceError, ReleaseError
from release.objects import CONFLICT, ObjectApi
from release.plan import ApplyTemplate, Preview, Retarget, Scale, ScaleToZero, Select
from release.state import ServiceState

Change: TypeAlias = ScaleToZero | ApplyTemplate | Scale | Preview | Select | Retarget
"""The steps that change the service's own objects."""

FORBIDDEN = 403
UNPROCESSABLE = 422


def do(api: ObjectApi, seen: ServiceState, step: Change) -> None:
    """Changes what a step says, if it still is as it was seen.

    Raises:
        LostRaceError: It is not: look again.
        KubernetesApiError: The API server refused.
    """
    match step:
        case ScaleToZero(slot):
            _scale(api, seen, slot, 0)
        case Scale(slot, replicas):
            _scale(api, seen, slot, replicas)
        case ApplyTemplate(slot, image, replicas):
            # Of what began, not of this run's command: whoever takes a release up again says it no second time.
            override = seen.running.override if seen.running else None
            _apply_template(api, seen, slot, image, replicas=replicas, override=override, dry_run=False)
        case Preview(slot):
            _select(api, seen, preview(seen.service), old=seen.preview, new=slot)
        case Select(slot):
            _select(api, seen, seen.service, old=seen.live, new=slot)
        case Retarget(slot):
            objects.replace(
                api,
                ("autoscaling/v2", "HorizontalPodAutoscaler", seen.service, seen.environment),
                "/spec/scaleTargetRef/name",
                old=slot_name(seen.service, seen.autoscaled),
                new=slot_name(seen.service, slot),
            )


def dry_run_template(api: ObjectApi, seen: ServiceState, slot: str, image: str, *, override: str | None) -> None:
    """Asks whether the API server would take a slot with this image, and changes nothing.

    Raises:
        ReleaseError: It would not: an admission policy, or the object's own rules.
        LostRaceError: The slot is another one than was seen.
    """
    try:
        _apply_template(api, seen, slot, image, replicas=seen.size, override=override, dry_run=True)
    except KubernetesApiError as error:
        if error.status not in (FORBIDDEN, UNPROCESSABLE):
            raise
        raise ReleaseError(
            f"the API server refuses {image} in {seen.environment}: {error}",
            remedy="see what it says; in prod it takes only verified images of this stack's own repositories",
        ) from None


def _apply_template(
    api: ObjectApi, seen: ServiceState, slot: str, image: str, *, replicas: int, override: str | None, dry_run: bool
) -> None:
    template = api.get("v1", "PodTemplate", seen.service, seen.environment)
    if template is None or slots.template_hash(template) != seen.template:
        raise LostRaceError(f"PodTemplate {seen.service} is another one than a moment ago")
    deployment: KubernetesObject = slots.render(template, slot=slot, image=image, replicas=replicas, override=override)
    deployment["metadata"]["resourceVersion"] = seen.slot(slot).resource_version
    try:
        api.apply(deployment, field_manager=RELEASE_MANAGER, force=True, dry_run=dry_run)
    except KubernetesApiError as error:
        if error.status == CONFLICT:
            raise LostRaceError(
                f"Deployment {slot_name(seen.service, slot)} is another one than a moment ago"
            ) from None
        raise


def _scale(api: ObjectApi, seen: ServiceState, slot: str, replicas: int) -> None:
    objects.replace(
        api,
        ("apps/v1", "Deployment", slot_name(seen.service, slot), seen.environment),
        "/spec/replicas",
        old=seen.slot(slot).wanted,
        new=replicas,
    )


def _select(api: ObjectApi, seen: ServiceState, service: str, *, old: str, new: str) -> None:
    # The test makes a lost race an error instead of a second switch.
    path = f"/spec/selector/{labels.SLOT}"
    objects.replace(api, ("v1", "Service", service, seen.environment), path, old=old, new=new)
