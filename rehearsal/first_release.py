"""The first release: a demo image in the blue slot of every service without a release, by the release tool's code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tenacity import (
    RetryError,
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_delay,
    wait_fixed,
)

from kube.client import KubernetesApi, KubernetesApiError, KubernetesObject
from rehearsal import demo_images
from rehearsal.errors import RehearsalError
from release import slots, verification

ADMISSION_SECONDS = 10
READY_SECONDS = 180


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
    """Releases the services that were never released, and waits until their pods are ready.

    Raises:
        RehearsalError: Pods did not become ready; the message has Kubernetes' warnings.
    """
    new = [target for target in wanted if not any(map(slots.is_released, _deployments(api, target).values()))]
    for target in new:
        if target.namespace == verification.NEEDED_IN:
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
    for target in new:
        template = _existing(api, "v1", "PodTemplate", target.service, target.namespace)
        autoscaler = _existing(api, "autoscaling/v2", "HorizontalPodAutoscaler", target.service, target.namespace)
        replicas = int(autoscaler["spec"]["minReplicas"])
        retrying(
            slots.apply_template, api, slots.render(template, slot="blue", image=demo_image(target), replicas=replicas)
        )
    if new:
        report(f"First release: a demo image in the blue slot of {len(new)} services; waiting for their pods")
        _wait_until_ready(api, new)


def _wait_until_ready(api: KubernetesApi, released: list[Target]) -> None:
    def unready() -> list[str]:
        return [
            f"{target.namespace}/{target.deployments['blue']}"
            for target in released
            if not _is_ready(_deployments(api, target)["blue"])
        ]

    attempts = Retrying(retry=retry_if_result(bool), stop=stop_after_delay(READY_SECONDS), wait=wait_fixed(0.5))
    try:
        attempts(unready)
    except RetryError as error:
        late: list[str] = error.last_attempt.result()
        reasons = _reasons(api, {name.split("/")[0] for name in late})
        raise RehearsalError(
            "\n  ".join([f"Not ready after {READY_SECONDS} s: {', '.join(late)}.", *reasons]),
            remedy="see what Kubernetes says above; a quota or the node groups' size in the stack's file may be too "
            "small. `make up` goes on from here.",
        ) from None


def _deployments(api: KubernetesApi, target: Target) -> dict[str, KubernetesObject]:
    """Deployments of a service by slot."""
    return {
        slot: _existing(api, "apps/v1", "Deployment", name, target.namespace)
        for slot, name in target.deployments.items()
    }


def _is_ready(deployment: KubernetesObject) -> bool:
    status: dict[str, Any] = deployment.get("status", {})
    observed = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    wanted = deployment["spec"]["replicas"]
    return observed and status.get("readyReplicas", 0) == wanted == status.get("updatedReplicas", 0)


def _reasons(api: KubernetesApi, namespaces: set[str]) -> list[str]:
    """The Warning events of these namespaces, each text once."""
    messages: dict[str, None] = {}
    for namespace in sorted(namespaces):
        for event in api.list("v1", "Event", namespace=namespace):
            if event.get("type") == "Warning":
                involved = event["involvedObject"]
                messages[f"{namespace}: {involved['kind']}: {event['reason']}: {event['message']}"] = None
    return list(messages)


def _existing(api: KubernetesApi, api_version: str, kind: str, name: str, namespace: str) -> KubernetesObject:
    existing = api.get(api_version, kind, name, namespace)
    if existing is None:
        raise RehearsalError(
            f"{kind} {name} is not in namespace {namespace}, although the stack's outputs name it.",
            remedy="run `pulumi refresh` in `make shell`, then `make up`, which creates it again.",
        )
    return existing
