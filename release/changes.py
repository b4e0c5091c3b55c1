"""Carries out the steps that change Kubernetes objects. Each may be repeated."""

from __future__ import annotations

from typing import Any

from contract import labels
from contract.blue_green import RELEASE_MANAGER, preview_service_name, slot_name
from kube.client import KubernetesApiError
from release import forward, objects, slots, templates, weights
from release.errors import LostRaceError, ReleaseError
from release.history import Revision
from release.objects import UNPROCESSABLE, ObjectApi
from release.state import ServiceState
from release.steps import (
    ApplyTemplate,
    Change,
    RetargetAutoscaler,
    Scale,
    ScaleToZero,
    SetWeights,
    SwitchActive,
    SwitchPreview,
)

FORBIDDEN = 403


def apply(api: ObjectApi, state: ServiceState, step: Change) -> None:
    """Carries out a step, provided that the object has not changed since `state` was observed.

    Raises:
        LostRaceError: It has changed: observe again.
        KubernetesApiError: The API server refused.
    """
    match step:
        case ScaleToZero(slot):
            _scale(api, state, slot, 0)
        case Scale(slot, replicas):
            _scale(api, state, slot, replicas)
        case ApplyTemplate(slot, image, replicas, template):
            # From the history: the command that resumes a release need not repeat its --override.
            override = state.running.override if state.running else None
            revision = Revision(image, template or state.template)
            _apply_template(api, state, slot, revision, replicas=replicas, override=override, dry_run=False)
        case SwitchPreview(slot):
            old = None if state.preview == str(None) else state.preview
            _select(api, state, preview_service_name(state.service), old=old, new=slot)
        case SwitchActive(slot):
            _select(api, state, state.service, old=state.live if state.is_selected else state.selected, new=slot)
        case SetWeights(slot, weight):
            _weigh(api, state, slot, weight)
        case RetargetAutoscaler(slot):
            objects.replace(
                api,
                ("autoscaling/v2", "HorizontalPodAutoscaler", state.service, state.environment),
                "/spec/scaleTargetRef/name",
                old=state.target or slot_name(state.service, state.autoscaled),
                new=slot_name(state.service, slot),
            )


def dry_run_template(
    api: ObjectApi, state: ServiceState, slot: str, revision: Revision, *, override: str | None
) -> None:
    """Replaces a slot's pods by those of a revision, as a dry run.

    Raises:
        ReleaseError: The API server would refuse it: an admission policy, or validation.
        LostRaceError: The slot or the PodTemplate has changed since `state` was observed.
        KubernetesApiError: The API server refused the dry run itself.
    """
    try:
        _apply_template(api, state, slot, revision, replicas=state.size, override=override, dry_run=True)
    except KubernetesApiError as error:
        if error.status not in (FORBIDDEN, UNPROCESSABLE):
            raise
        raise ReleaseError(
            f"the API server refuses {revision.image} in {state.environment}: {error}",
            remedy="see its message; prod takes only verified images of this stack's own repositories",
        ) from None


def _apply_template(
    api: ObjectApi,
    state: ServiceState,
    slot: str,
    revision: Revision,
    *,
    replicas: int,
    override: str | None,
    dry_run: bool,
) -> None:
    template = api.get("v1", "PodTemplate", state.service, state.environment)
    if template is None or slots.template_hash(template) != state.template:
        raise LostRaceError(f"PodTemplate {state.service} has changed since it was read")
    options: dict[str, Any] = {"slot": slot, "replicas": replicas, "override": override}
    if revision.template == state.template:
        deployment = slots.render(template, image=revision.image, **options)
    else:
        deployment = slots.deployment(template, templates.kept(api, state, revision), **options)
    # Server-side apply does not remove the fields of another manager, such as the program's seed: a Secret that the
    # PodTemplate no longer names would stay. So the pods are replaced as a whole first, without their template's hash:
    # until the second request the slot is not what it shall be, and a later run does both again.
    name = slot_name(state.service, slot)
    test = {"op": "test", "path": "/metadata/resourceVersion", "value": state.slot(slot).resource_version}
    change = [{"op": "replace", "path": "/spec/template", "value": slots.without_hash(deployment["spec"]["template"])}]
    objects.patch_if(api, ("apps/v1", "Deployment", name, state.environment), test, change, dry_run=dry_run)
    if not dry_run:
        # Takes over the fields that did not change, too: else the program's next apply would remove them.
        # https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
        api.apply(deployment, field_manager=RELEASE_MANAGER, force=True)


def _scale(api: ObjectApi, state: ServiceState, slot: str, replicas: int) -> None:
    objects.replace(
        api,
        ("apps/v1", "Deployment", slot_name(state.service, slot), state.environment),
        "/spec/replicas",
        old=state.slot(slot).desired,
        new=replicas,
    )


def _select(api: ObjectApi, state: ServiceState, service: str, *, old: str | None, new: str) -> None:
    path = f"/spec/selector/{labels.SLOT}"
    if old is None:  # a `test` cannot find that there is nothing
        body = api.get("v1", "Service", service, state.environment)
        if body is None or objects.value_at(body, path) is not None:
            raise LostRaceError(f"Service {service} has changed since it was read")
        objects.patch(api, body, [{"op": "add", "path": path, "value": new}])
        return
    # The `test` in the patch makes a lost race an error instead of a second switch.
    objects.replace(api, ("v1", "Service", service, state.environment), path, old=old, new=new)


def _weigh(api: ObjectApi, state: ServiceState, slot: str, weight: int) -> None:
    action = state.action
    if action is None:
        raise LostRaceError(f"no Ingress forwards to the slots of {state.service} any more")
    objects.replace(
        api,
        ("networking.k8s.io/v1", "Ingress", action.ingress, state.environment),
        f"/metadata/annotations/{action.annotation.replace('/', '~1')}",
        old=action.text,
        new=forward.with_weights(action.text, state.service, weights.shares(slot, weight)),
    )
