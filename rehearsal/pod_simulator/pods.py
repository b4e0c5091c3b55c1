"""A simulated pod, and the phases of its server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from contract import labels
from kube.client import KubernetesObject
from rehearsal import demo_images
from rehearsal.demo_images import Fault
from rehearsal.kubelet import images
from rehearsal.kubelet.environment import part


class Phase(Enum):
    """The phase of a pod's server."""

    ABSENT = "there is no server: the container was not started, or has ended"
    SERVING = "it serves; also during the preStop sleep of an ending pod"
    ENDING = "it got SIGTERM: it takes no new connection, and ends those that there are"


@dataclass(frozen=True)
class Pod:
    """A pod of one container.

    Attributes:
        address: Its IP address; None until it has one.
        fault: The fault of its demo image; None without one.
        health_path: Path of its readiness probe; `/` without one.
        ends: When its container gets SIGTERM, in seconds since 1970; None unless it is deleted.
        killed: When its container gets SIGKILL, likewise.
    """

    namespace: str
    name: str
    uid: str
    address: str | None
    labels: Mapping[str, str]
    ports: frozenset[int]
    version: str
    fault: Fault | None
    health_path: str
    is_running: bool
    ends: float | None = None
    killed: float | None = None

    def phase(self, now: float) -> Phase:
        """The phase of its server at a time in seconds since 1970."""
        if not self.is_running or (self.killed is not None and now >= self.killed):
            return Phase.ABSENT
        return Phase.SERVING if self.ends is None or now < self.ends else Phase.ENDING

    def description(self) -> dict[str, str | None]:
        """The JSON body of its answers."""
        return {
            "environment": self.labels.get(labels.ENVIRONMENT, self.namespace),
            "service": self.labels.get(labels.SERVICE),
            "slot": self.labels.get(labels.SLOT),
            "version": self.version,
            "pod": self.name,
        }


def pod(body: KubernetesObject) -> Pod | None:
    """A pod of the simulator; None if it has no TCP port or no address of its own, or if the kubelet runs it."""
    metadata, spec = body["metadata"], body["spec"]
    status: Mapping[str, Any] = body.get("status") or {}
    container: Mapping[str, Any] = spec["containers"][0]
    ports = frozenset(
        int(port["containerPort"]) for port in container.get("ports") or () if port.get("protocol", "TCP") == "TCP"
    )
    if not ports or spec.get("hostNetwork") or images.is_ours(body):
        return None
    states: list[Mapping[str, Any]] = status.get("containerStatuses") or []
    ends, killed = _end(metadata, container)
    return Pod(
        namespace=str(metadata["namespace"]),
        name=str(metadata["name"]),
        uid=str(metadata["uid"]),
        address=status.get("podIP"),
        labels=metadata.get("labels") or {},
        ports=ports,
        version=demo_images.version(container["image"]),
        fault=demo_images.fault(container["image"]),
        health_path=str(part(container, "readinessProbe", "httpGet", "path") or "/"),
        is_running=any(state["name"] == container["name"] and "running" in part(state, "state") for state in states),
        ends=ends,
        killed=killed,
    )


def _end(metadata: Mapping[str, Any], container: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """When a deleted pod's container gets SIGTERM and SIGKILL.

    The grace period includes the preStop hook. The API server rounds times to seconds, so SIGTERM may be up to a second
    early. https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
    """
    stamp = metadata.get("deletionTimestamp")
    if stamp is None:
        return None, None
    killed = datetime.fromisoformat(stamp).timestamp()
    deleted = killed - int(metadata.get("deletionGracePeriodSeconds") or 0)
    sleep = int(part(container, "lifecycle", "preStop", "sleep", "seconds") or 0)
    return min(deleted + sleep, killed), killed
