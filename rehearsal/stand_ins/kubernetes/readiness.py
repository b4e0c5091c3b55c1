"""When an object is ready: pure functions of what was seen, kind by kind, as the real provider decides.

https://github.com/pulumi/pulumi-kubernetes/tree/v4.29.0/provider/pkg/await
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from release.kubernetes_api import KubernetesObject

SETTLE_SECONDS = 10.0
"""How long a Service's endpoints must not have changed."""

_REVISION = "deployment.kubernetes.io/revision"


@dataclass(frozen=True)
class Seen:
    """What was seen of an object and of those that decide about it.

    Attributes:
        target: The object itself.
        replica_sets: Of a Deployment: those in its namespace that match its selector.
        claims: Of a Deployment: PersistentVolumeClaims its pods mount.
        endpoints: Of a Service: its Endpoints; None while there are none.
        endpoint_names: Of an Ingress: names of the Endpoints and external Services in its namespace.
        unchanged_seconds: Since when the endpoints are as they are.
        storage_class: Of a PersistentVolumeClaim: its class, where there is one.
        is_update: Whether the object was there before.
    """

    target: KubernetesObject
    replica_sets: Sequence[KubernetesObject] = ()
    claims: Sequence[KubernetesObject] = ()
    endpoints: KubernetesObject | None = None
    endpoint_names: frozenset[str] = frozenset()
    unchanged_seconds: float = 0.0
    storage_class: KubernetesObject | None = None
    is_update: bool = False


@dataclass(frozen=True)
class Verdict:
    """Whether an object is ready, and what it still lacks.

    Attributes:
        reasons: What is missing, for the person; empty when ready.
        failed: It will not get ready any more (a Job).
    """

    reasons: tuple[str, ...] = ()
    failed: bool = False

    @property
    def ready(self) -> bool:
        """Nothing is missing."""
        return not self.reasons


@dataclass(frozen=True)
class Rule:
    """How a kind gets ready.

    Attributes:
        judge: The verdict on what was seen.
        seconds: Longest wait, where the kind has one of its own.
        on_refresh: Whether a refresh judges it too.
    """

    judge: Callable[[Seen], Verdict]
    seconds: float | None = None
    on_refresh: bool = False


def _status(target: KubernetesObject) -> dict[str, Any]:
    return target.get("status") or {}


def _condition(target: KubernetesObject, kind: str) -> dict[str, Any]:
    conditions: list[dict[str, Any]] = _status(target).get("conditions") or []
    nothing: dict[str, Any] = {}
    return next((item for item in conditions if item.get("type") == kind), nothing)


def _is_observed(target: KubernetesObject) -> bool:
    return _status(target).get("observedGeneration", 0) >= target["metadata"].get("generation", 0)


def _verdict(reasons: Iterable[str]) -> Verdict:
    return Verdict(tuple(reasons))


def deployment(seen: Seen) -> Verdict:
    """Its controller has seen it, it is available, and the ReplicaSet of its revision has its pods ready."""
    target = seen.target
    revision = target["metadata"].get("annotations", {}).get(_REVISION)
    if not _is_observed(target) or revision is None:
        return Verdict(("the Deployment controller has not seen this version yet",))
    reasons = [
        f"[{condition['reason']}] {condition['message']}"
        for condition in (_condition(target, "Progressing"), _condition(target, "Available"))
        if condition.get("status") == "False"
    ]
    unbound = [claim["metadata"]["name"] for claim in seen.claims if _status(claim).get("phase") != "Bound"]
    if unbound:
        reasons.append(f"Failed to bind PersistentVolumeClaim(s): {', '.join(unbound)}")
    progressing = _condition(target, "Progressing")
    rolled_out = progressing.get("status") == "True" and progressing.get("reason") == "NewReplicaSetAvailable"
    if _condition(target, "Available").get("status") != "True":
        reasons.append("Minimum number of live Pods was not attained")
    elif revision != "1" and not rolled_out:
        reasons.append("Minimum number of Pods to consider the application live was not attained")
    elif not _is_replica_set_ready(seen.replica_sets, target["metadata"]["uid"], revision):
        reasons.append(
            "Minimum number of Pods to consider the application live was not attained"
            if revision == "1"
            else "Attempted to roll forward to new ReplicaSet, but minimum number of Pods did not become live"
        )
    return _verdict(reasons)


def _is_replica_set_ready(replica_sets: Iterable[KubernetesObject], owner: str, revision: str) -> bool:
    for item in replica_sets:
        owners = [reference.get("uid") for reference in item["metadata"].get("ownerReferences") or ()]
        if owner in owners and item["metadata"].get("annotations", {}).get(_REVISION) == revision:
            return bool(_status(item).get("readyReplicas", 0) >= item["spec"].get("replicas", 1))
    return False


def stateful_set(seen: Seen) -> Verdict:
    """All replicas are there, ready, and of one revision."""
    target, status = seen.target, _status(seen.target)
    if not _is_observed(target):
        return Verdict(("the StatefulSet controller has not seen this version yet",))
    wanted = target["spec"].get("replicas", 1)
    on_delete = target["spec"].get("updateStrategy", {}).get("type") == "OnDelete"
    by_hand = on_delete and target["metadata"].get("generation", 1) > 1
    counts = ("replicas", "readyReplicas") if by_hand else ("replicas", "readyReplicas", "currentReplicas")
    reasons: list[str] = []
    if any(status.get(count, 0) != wanted for count in counts):
        reasons.append(f"{status.get('readyReplicas', 0)} out of {wanted} replicas succeeded readiness checks")
    current, update = status.get("currentRevision"), status.get("updateRevision")
    if not by_hand and (not current or current != update):
        reasons.append(f'StatefulSet controller failed to advance from revision "{current}" to revision "{update}"')
    return _verdict(reasons)


def daemon_set(seen: Seen) -> Verdict:
    """Each node it wants has an updated, available, ready pod."""
    status = _status(seen.target)
    if not _is_observed(seen.target) or "desiredNumberScheduled" not in status:
        return Verdict(("the DaemonSet controller has not seen this version yet",))
    wanted = status["desiredNumberScheduled"]
    names = {
        "currentNumberScheduled": "Current",
        "updatedNumberScheduled": "Updated",
        "numberAvailable": "Available",
        "numberReady": "Ready",
    }
    return _verdict(
        f"{word}: {status.get(key, 0)}/{wanted}" for key, word in names.items() if status.get(key, 0) < wanted
    )


def job(seen: Seen) -> Verdict:
    """It started and is complete. A failed one has failed for good."""
    status, failed = _status(seen.target), _condition(seen.target, "Failed")
    if failed.get("status") == "True":
        return Verdict((f"[{failed.get('reason', '')}] {failed.get('message', '')}",), failed=True)
    if status.get("startTime") and _condition(seen.target, "Complete").get("status") == "True":
        return Verdict()
    counts = " | ".join(f"{name.capitalize()}: {status.get(name, 0)}" for name in ("active", "succeeded", "failed"))
    return Verdict((f"Job has not succeeded ({counts})",))


def pod(seen: Seen) -> Verdict:
    """It is scheduled, initialized, and ready or done."""
    if _status(seen.target).get("phase") == "Succeeded":
        return Verdict()
    return _verdict(pod_problems(seen.target))


def pod_problems(target: KubernetesObject) -> list[str]:
    """What keeps a pod from being ready: its conditions' messages and its containers' states."""
    name = "/".join((target["metadata"].get("namespace", "default"), target["metadata"]["name"]))
    for kind in ("PodScheduled", "Initialized", "Ready"):
        condition = _condition(target, kind)
        if condition.get("status") != "True":
            states = _container_problems(_status(target).get("containerStatuses") or ())
            detail = " ".join((condition.get("message") or f"condition {kind} is not true yet", *states))
            return [f"[Pod {name}]: {detail}"]
    return []


def _container_problems(statuses: Iterable[dict[str, Any]]) -> list[str]:
    problems: list[str] = []
    for item in statuses:
        state = item.get("state", {})
        waiting, ended = state.get("waiting"), state.get("terminated")
        if item.get("ready"):
            continue
        if waiting and waiting.get("reason") != "ContainerCreating":
            problems.append(f"[{waiting.get('reason', '')}] {waiting.get('message', '')}")
        if ended and ended.get("reason"):
            problems.append(f"container {item['name']} completed with exit code {ended.get('exitCode')}")
    return problems


def service(seen: Seen) -> Verdict:
    """Its endpoints have settled and none is unready; a load balancer has an address.

    A Service without a selector, a headless or an external one waits for no pods; one whose selector matches none
    is ready when nothing changed for `SETTLE_SECONDS`.
    """
    spec = seen.target["spec"]
    reasons: list[str] = []
    if spec.get("type") == "LoadBalancer" and not _status(seen.target).get("loadBalancer", {}).get("ingress"):
        reasons.append("Service was not allocated an IP address; does your cloud provider support this?")
    if spec.get("selector") and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        subsets: list[dict[str, Any]] = (seen.endpoints or {}).get("subsets") or []
        pending = any(subset.get("notReadyAddresses") for subset in subsets)
        if pending:
            reasons.append(
                "Service does not target any Pods. Selected Pods may not be ready, or field '.spec.selector' may not "
                "match labels on any Pods"
            )
        elif seen.endpoints is None or seen.unchanged_seconds < SETTLE_SECONDS:
            reasons.append("Service endpoints have not settled yet")
    return _verdict(reasons)


def ingress(seen: Seen) -> Verdict:
    """Each path's Service has endpoints, or never will; and a controller has given it an address."""
    reasons: list[str] = []
    rules: list[dict[str, Any]] = seen.target["spec"].get("rules") or []
    for rule in rules:
        http: dict[str, Any] = rule.get("http") or {}
        paths: list[dict[str, Any]] = http.get("paths") or []
        for path in paths:
            name = path["backend"].get("service", {}).get("name")
            if name and name not in seen.endpoint_names and seen.unchanged_seconds < SETTLE_SECONDS:
                route = f"{rule.get('host', '')}{path.get('path', '')}"
                reasons.append(
                    f'Ingress has at least one rule with an unavailable target endpoint: "{route}" -> "{name}"'
                )
    if not _status(seen.target).get("loadBalancer", {}).get("ingress"):
        reasons.append("Ingress .status.loadBalancer field was not updated with a hostname/IP address")
    return _verdict(reasons)


def claim(seen: Seen) -> Verdict:
    """It is bound; or it waits for its first pod, as its class says."""
    phase = _status(seen.target).get("phase")
    waits = (seen.storage_class or {}).get("volumeBindingMode") == "WaitForFirstConsumer" and not seen.is_update
    if phase == "Bound" or (waits and phase == "Pending"):
        return Verdict()
    return Verdict((f"PersistentVolumeClaim is {phase or 'without a phase'}, not Bound",))


def volume(seen: Seen) -> Verdict:
    """It is available or bound."""
    phase = _status(seen.target).get("phase")
    return Verdict() if phase in ("Available", "Bound") else Verdict((f"PersistentVolume is {phase}",))


def quota(seen: Seen) -> Verdict:
    """Its controller has taken over its limits."""
    same = seen.target["spec"].get("hard") == _status(seen.target).get("hard")
    return Verdict() if same else Verdict(("the ResourceQuota controller has not taken over the limits yet",))


def secret(seen: Seen) -> Verdict:
    """A service account's token has been made; other Secrets are ready at once."""
    if seen.target.get("type") == "kubernetes.io/service-account-token" and not seen.target.get("data"):
        return Verdict(("the token has not been made yet",))
    return Verdict()


RULES: dict[tuple[str, str], Rule] = {
    ("apps/v1", "DaemonSet"): Rule(daemon_set, on_refresh=True),
    ("apps/v1", "Deployment"): Rule(deployment, on_refresh=True),
    ("apps/v1", "StatefulSet"): Rule(stateful_set, on_refresh=True),
    ("batch/v1", "Job"): Rule(job, on_refresh=True),
    ("networking.k8s.io/v1", "Ingress"): Rule(ingress, on_refresh=True),
    ("v1", "PersistentVolume"): Rule(volume, seconds=300),
    ("v1", "PersistentVolumeClaim"): Rule(claim, seconds=300),
    ("v1", "Pod"): Rule(pod, on_refresh=True),
    ("v1", "ResourceQuota"): Rule(quota, seconds=60),
    ("v1", "Secret"): Rule(secret, seconds=5),
    ("v1", "Service"): Rule(service, on_refresh=True),
}
"""The kinds that are waited for; all others are ready once they are created, as with the real provider."""
