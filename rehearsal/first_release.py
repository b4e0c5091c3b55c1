"""The first release: a demo image in the blue slot of every service without a release, by the release tool's code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from tenacity import (
    RetryError,
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_delay,
    wait_fixed,
)

from kube.client import KubernetesApi, KubernetesApiError
from rehearsal import demo_images
from rehearsal.errors import RehearsalError
from release import history, slots, verification
from release.errors import ReleaseError
from release.history import Action, Entry, Outcome
from release.observe import observe
from release.state import ServiceState

ADMISSION_SECONDS = 10
READY_SECONDS = 180

RELEASED_BY = "the rehearsal"
"""Who released the demo images, in the history."""


@dataclass(frozen=True)
class Target:
    """A service in an environment, as the stack's outputs describe it.

    Attributes:
        namespace: Namespace of the environment.
        service: Name of the service, its PodTemplate and its HorizontalPodAutoscaler.
        deployments: Name of the Deployment by slot.
        repository: URL of the ECR repository.
    """

    namespace: str
    service: str
    deployments: Mapping[str, str]
    repository: str


def targets(outputs: Mapping[str, Any]) -> list[Target]:
    """Every service in every environment, from the stack's outputs as plain values."""
    return [
        Target(contract["namespace"], service, contract["deployments"], outputs["repositories"][service])
        for services in outputs["services"].values()
        for service, contract in services.items()
    ]


def demo_image(target: Target) -> str:
    """The image of a service's first release."""
    return f"{target.repository}@{demo_images.digest(demo_images.FIRST_VERSION)}"


def release(api: KubernetesApi, wanted: list[Target], report: Callable[[str], None]) -> None:
    """Releases the services that were never released, waits until their pods are ready, and records it in the history.

    Raises:
        RehearsalError: Pods did not become ready, with Kubernetes' reasons; or an object of a service is missing.
    """
    states = [(target, _state(api, target)) for target in wanted]
    new = [(target, state) for target, state in states if not (state.blue.revision or state.green.revision)]
    for target, _ in new:
        if target.namespace == verification.VERIFIED_ENVIRONMENT:
            digest = demo_image(target).rpartition("@")[2]
            record = verification.Record(digest, "the rehearsal: no container runs in it", datetime.now(UTC))
            verification.write(api, target.service, record, in_use=())
    # The API server's admission applies a new policy, and a new verification record, only after a moment.
    retrying = Retrying(
        retry=retry_if_exception_type(KubernetesApiError),
        stop=stop_after_delay(ADMISSION_SECONDS),
        wait=wait_fixed(0.2),
        reraise=True,
    )
    for target, state in new:
        template = api.get("v1", "PodTemplate", target.service, target.namespace) or {}
        deployment = slots.render(template, slot="blue", image=demo_image(target), replicas=state.minimum)
        retrying(slots.apply_template, api, deployment)
    if new:
        report(f"First release: a demo image in the blue slot of {len(new)} services; waiting for their pods")
        _wait_until_ready(api, [target for target, _ in new])
    for target, state in states:
        if not state.history:
            _record(api, target)


def _record(api: KubernetesApi, target: Target) -> None:
    """Writes the first release into the history, also after an `up` that was interrupted before it did."""
    state = _state(api, target)
    revision, now = state.blue.revision, datetime.now(UTC)
    if state.live != "blue" or revision is None or revision.image != demo_image(target):
        return
    entry = Entry(
        id=uuid4().hex[:8],
        action=Action.DEPLOY,
        slot="blue",
        revision=revision,
        previous=None,
        by=RELEASED_BY,
        started=now,
        finished=now,
        outcome=Outcome.RELEASED,
        service_uid=state.uid,
        configuration=state.blue.configuration,
        version=demo_images.FIRST_VERSION,
    )
    history.write(api, target.namespace, target.service, entry)


def _wait_until_ready(api: KubernetesApi, released: list[Target]) -> None:
    def unready() -> list[str]:
        blue = {f"{one.namespace}/{one.deployments['blue']}": _state(api, one).blue for one in released}
        return ["; ".join([name, *map(str, slot.troubles)]) for name, slot in blue.items() if not slot.is_ready]

    attempts = Retrying(retry=retry_if_result(bool), stop=stop_after_delay(READY_SECONDS), wait=wait_fixed(0.5))
    try:
        attempts(unready)
    except RetryError as error:
        late: list[str] = error.last_attempt.result()
        raise RehearsalError(
            "\n  ".join([f"Not ready after {READY_SECONDS} s:", *late]),
            remedy="see what Kubernetes says above; a quota or the node groups' size in the stack's file may be too "
            "small. `make up` goes on from here.",
        ) from None


def _state(api: KubernetesApi, target: Target) -> ServiceState:
    try:
        return observe(api, target.namespace, target.service, now=datetime.now(UTC))
    except ReleaseError as error:
        raise RehearsalError(
            f"The first release of {target.service} failed: {error.message}.",
            remedy="run `pulumi refresh` in `make shell`, then `make up`, which creates missing objects again.",
        ) from None
