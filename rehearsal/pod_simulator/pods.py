"""What the pod simulator knows of a pod, and when the pod's server listens, ends and has ended."""

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


class Phase(Enum):
    """How far a pod's server is."""

    ABSENT = "there is no server: the container was not started, or has ended"
    SERVING = "it serves; also during the preStop sleep of an ending pod"
    ENDING = "it got SIGTERM: it takes no new connection, and ends those that there are"


@dataclass(frozen=True)
class Pod:
    """A pod of one container.

    Attributes:
        namespace: Its namespace.
        name: Its name.
        uid: Tells it from another one of the same name.
        address: Its IP address; None until it has one.
        labels: Its labels.
        ports: TCP ports of its container.
        version: Its image's version.
        fault: What is wrong with its image.
        health_path: What its readiness probe asks; `/` without one.
        is_running: Whether its container runs.
        ends: When its container gets SIGTERM, in seconds since 1970; None while nobody has deleted it.
        killed: When its container is killed at the latest, likewise.
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
        """How far its server is.

        Args:
            now: Seconds since 1970.
        """
        if not self.is_running or (self.killed is not None and now >= self.killed):
            return Phase.ABSENT
        return Phase.SERVING if self.ends is None or now < self.ends else Phase.ENDING

    def description(self) -> dict[str, str | None]:
        """Who answers."""
        return {
            "environment": self.labels.get(labels.ENVIRONMENT, self.namespace),
            "service": self.labels.get(labels.SERVICE),
            "slot": self.labels.get(labels.SLOT),
            "version": self.version,
            "pod": self.name,
        }


def pod(body: KubernetesObject) -> Pod | None:
    """What there is to know of a pod; None of one that nobody can call by an address of its own, or that really runs.

    Args:
        body: The pod as the API server has it.
    """
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
        health_path=str(_nested(container, "readinessProbe", "httpGet", "path") or "/"),
        is_running=any(one["name"] == container["name"] and "running" in (one.get("state") or {}) for one in states),
        ends=ends,
        killed=killed,
    )


def _end(metadata: Mapping[str, Any], container: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """When an ending pod's container gets SIGTERM and when SIGKILL.

    The grace period holds the preStop hook, too. The API server's time has whole seconds: SIGTERM may come up to one
    early. https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
    """
    stamp = metadata.get("deletionTimestamp")
    if stamp is None:
        return None, None
    killed = datetime.fromisoformat(stamp).timestamp()
    asked = killed - int(metadata.get("deletionGracePeriodSeconds") or 0)
    sleep = int(_nested(container, "lifecycle", "preStop", "sleep", "seconds") or 0)
    return min(asked + sleep, killed), killed


def _nested(value: Mapping[str, Any], *names: str) -> Any:
    for name in names:
        value = value.get(name) or {}
    return value
