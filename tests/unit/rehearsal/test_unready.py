"""What is told of pods that are not ready."""

from __future__ import annotations

from typing import Any, cast

from kube.client import UNREACHABLE, KubernetesApi, KubernetesApiError
from rehearsal import unready


def pod(name: str, *, ready: bool = False, **status: Any) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": str(ready)}, *status.pop("conditions", ())]
    metadata = {"name": name, "namespace": "dev", "uid": name}
    return {"kind": "Pod", "metadata": metadata, "status": {"phase": "Pending", "conditions": conditions, **status}}


def event(kind: str, name: str, reason: str, message: str, time: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "Event",
        "type": "Warning",
        "metadata": {"namespace": "dev", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "involvedObject": {"kind": kind, "name": name, "uid": name},
        "reason": reason,
        "message": message,
        "lastTimestamp": time,
        **more,
    }


def told(*objects: dict[str, Any]) -> list[str]:
    class Api:
        """Has these objects."""

        def list(self, _version: str, kind: str) -> list[dict[str, Any]]:
            """Those of a kind."""
            return [one for one in objects if one["kind"] == kind]

    return unready.reasons(cast("KubernetesApi", Api()))


def test_a_pod_tells_why_no_node_takes_it() -> None:
    unschedulable = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/2 nodes are available",
    }
    assert told(pod("api", conditions=[unschedulable])) == ["pod dev/api: Unschedulable: 0/2 nodes are available"]


def test_a_pod_tells_what_its_container_waits_for() -> None:
    waiting = {"state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}}
    assert told(pod("api", containerStatuses=[waiting])) == ["pod dev/api: CrashLoopBackOff: back-off 10s"]


def test_a_pod_whose_status_says_nothing_tells_its_last_warning() -> None:
    creating = {"state": {"waiting": {"reason": "ContainerCreating"}}}
    assert told(
        pod("api", containerStatuses=[creating]),
        event("Pod", "api", "FailedMount", "no Secret a", "2026-01-01T00:00:02Z"),
        event("Pod", "api", "Scheduled", "to a node", "2026-01-01T00:00:03Z", type="Normal"),
        event("Pod", "api", "FailedMount", "no Secret b", "2026-01-01T00:00:01Z"),
        event("Pod", "web", "FailedMount", "no Secret c", "2026-01-01T00:00:04Z"),
    ) == ["pod dev/api: FailedMount: no Secret a"]


def test_a_pod_without_any_word_tells_its_phase() -> None:
    assert told(pod("api")) == ["pod dev/api: phase Pending, without a warning"]


def test_a_workload_tells_the_last_refusal_of_its_pods() -> None:
    assert told(
        event("StatefulSet", "db", "FailedCreate", "quota", "2026-01-01T00:00:01Z"),
        event("StatefulSet", "db", "FailedCreate", "policy", "", eventTime="2026-01-01T00:00:02Z"),
    ) == ["StatefulSet dev/db: FailedCreate: policy"]


def test_pods_that_are_ready_over_or_leaving_are_not_told() -> None:
    leaving = pod("c")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert told(pod("a", ready=True), pod("b", phase="Succeeded"), leaving) == []


def test_of_many_the_first_are_told() -> None:
    assert len(told(*(pod(str(number)) for number in range(50)))) == unready.SHOWN


def test_an_api_server_that_does_not_answer_adds_nothing() -> None:
    class Api:
        """Does not answer."""

        def list(self, *_words: str) -> list[dict[str, Any]]:
            """No list."""
            raise KubernetesApiError("gone", status=UNREACHABLE, reason="")

    assert unready.reasons(cast("KubernetesApi", Api())) == []
