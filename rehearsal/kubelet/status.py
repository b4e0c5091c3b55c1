"""A pod's status from the states of its containers. Pure functions.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kube.client import KubernetesObject

OVER = ("Succeeded", "Failed")
"""Phases without a running container."""

FIRST_BACK_OFF = 10.0
LONGEST_BACK_OFF = 300.0
"""Seconds. https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy."""

LONG_RUN = 2 * LONGEST_BACK_OFF
"""Seconds that a container has to run for its back-off to be reset."""


@dataclass
class Container:
    """The status of a container.

    Attributes:
        state: `state` of the API: `waiting`, `running` or `terminated`, with its fields.
        last: `lastState` of the API: the end of the run before; None without one.
        restarts: `restartCount` of the API, which changes together with the state: when the next run begins.
    """

    name: str
    image: str
    state: dict[str, Any]
    last: dict[str, Any] | None = None
    restarts: int = 0
    ready: bool = False

    def wait(self, reason: str, message: str = "") -> None:
        """Sets the state to waiting."""
        self._set({"waiting": {"reason": reason, **({"message": message} if message else {})}})

    def run(self, now: str) -> None:
        """Sets the state to running; a run after another one is a restart."""
        self._set({"running": {"startedAt": now}})
        self.restarts += self.last is not None

    def end(self, code: int, now: str) -> None:
        """Sets the state to terminated; the code is 128 plus the number of a signal, if one ended it."""
        running: dict[str, str] = self.state.get("running") or {}
        started, reason = running.get("startedAt", now), "Error" if code else "Completed"
        self._set({"terminated": {"exitCode": code, "reason": reason, "startedAt": started, "finishedAt": now}})

    def _set(self, state: dict[str, Any]) -> None:
        if "terminated" in self.state:
            self.last = self.state
        self.state, self.ready = state, False

    def status(self) -> dict[str, Any]:
        """The entry in `containerStatuses`."""
        return {
            "name": self.name,
            "image": self.image,
            "imageID": self.image,
            "state": self.state,
            "lastState": self.last or {},
            "restartCount": self.restarts,
            "ready": self.ready,
            "started": "running" in self.state,
        }


def restarts(policy: str, code: int) -> bool:
    """Whether a container with this exit code is restarted by its pod's `restartPolicy`."""
    return policy == "Always" or (policy == "OnFailure" and code != 0)


def back_off(failures: int) -> float:
    """Seconds between a container's end and its restart, after so many short runs in a row before this one."""
    return 0.0 if failures == 0 else min(FIRST_BACK_OFF * 2 ** (failures - 1), LONGEST_BACK_OFF)


def phase(containers: Sequence[Container], policy: str) -> str:
    """The phase of a pod with this `restartPolicy`."""
    codes: list[int | None] = [container.state.get("terminated", {}).get("exitCode") for container in containers]
    if all(code is not None and not restarts(policy, code) for code in codes):
        return "Failed" if any(codes) else "Succeeded"
    are_started = all(container.state.keys() & {"running", "terminated"} or container.last for container in containers)
    return "Running" if are_started else "Pending"


def status(
    pod: KubernetesObject, containers: Sequence[Container], *, address: str | None, host: str, now: str
) -> dict[str, Any]:
    """The status that a kubelet writes, as a strategic merge patch.

    The pod has its previous status: an unchanged condition keeps its `lastTransitionTime`.
    """
    previous: Mapping[str, Any] = pod.get("status") or {}
    pod_phase = phase(containers, pod["spec"].get("restartPolicy", "Always"))
    unready = [container.name for container in containers if not container.ready]
    is_over = pod_phase in OVER
    reason = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{' '.join(unready)}]"}
    if is_over:
        reason = {"reason": "PodCompleted" if pod_phase == "Succeeded" else "PodFailed"}
    all_ready = not unready and not is_over
    conditions = [
        _condition("PodReadyToStartContainers", address is not None and not is_over, {}),
        _condition("Initialized", True, {}),
        _condition("ContainersReady", all_ready, reason),
        _condition("Ready", all_ready, reason),
    ]
    return {
        "phase": pod_phase,
        "conditions": [_with_time(condition, previous.get("conditions") or (), now) for condition in conditions],
        **({"hostIP": host, "hostIPs": [{"ip": host}]} if host else {}),
        **({"podIP": address, "podIPs": [{"ip": address}]} if address else {}),
        "startTime": previous.get("startTime") or now,
        "containerStatuses": [container.status() for container in containers],
    }


def _condition(kind: str, holds: bool, reason: Mapping[str, str]) -> dict[str, Any]:
    return {"type": kind, "status": "True"} if holds else {"type": kind, "status": "False", **reason}


def _with_time(condition: dict[str, Any], previous: Sequence[Mapping[str, Any]], now: str) -> dict[str, Any]:
    same = (one for one in previous if (one["type"], one["status"]) == (condition["type"], condition["status"]))
    since = next((one.get("lastTransitionTime") for one in same), None) or now
    # In a merge patch, null removes the previous reason and message.
    return {"reason": None, "message": None, **condition, "lastTransitionTime": since}
