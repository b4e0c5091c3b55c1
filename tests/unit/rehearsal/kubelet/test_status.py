"""A pod's status follows its containers."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.kubelet import status
from rehearsal.kubelet.status import Container

NOW, LATER = "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"


def container(name: str = "c", **state: Any) -> Container:
    return Container(name, "image", state or {"waiting": {"reason": "ContainerCreating"}})


def running(*, ready: bool = True) -> Container:
    one = container()
    one.run(NOW)
    one.ready = ready
    return one


def ended(code: int) -> Container:
    one = running()
    one.end(code, LATER)
    return one


def written(containers: list[Container], before: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    pod = {"spec": {"restartPolicy": more.pop("policy", "Always")}, "status": before or {}}
    facts: dict[str, Any] = {"address": "100.65.0.1", "host": "10.0.0.4", "now": NOW, **more}
    return status.status(pod, containers, **facts)


def conditions(told: dict[str, Any]) -> dict[str, str]:
    return {one["type"]: one["status"] for one in told["conditions"]}


@pytest.mark.parametrize(
    ("policy", "containers", "phase"),
    [
        ("Always", [container()], "Pending"),
        ("Always", [running(), container()], "Pending"),
        ("Always", [running(ready=False)], "Running"),
        ("Always", [ended(0)], "Running"),
        ("OnFailure", [ended(1)], "Running"),
        ("OnFailure", [ended(0)], "Succeeded"),
        ("Never", [ended(0), ended(0)], "Succeeded"),
        ("Never", [ended(0), ended(1)], "Failed"),
        ("Never", [ended(0), running()], "Running"),
    ],
)
def test_the_phase_follows_from_the_containers(policy: str, containers: list[Container], phase: str) -> None:
    assert status.phase(containers, policy) == phase


def test_a_pod_is_ready_once_all_its_containers_are() -> None:
    assert conditions(written([running()])) == {
        "PodReadyToStartContainers": "True",
        "Initialized": "True",
        "ContainersReady": "True",
        "Ready": "True",
    }
    unready = written([running(), running(ready=False)])
    assert (conditions(unready)["ContainersReady"], conditions(unready)["Ready"]) == ("False", "False")
    assert unready["conditions"][3]["message"] == "containers with unready status: [c]"


def test_a_condition_keeps_the_time_since_it_is_so() -> None:
    first = written([running()])
    second = written([running(ready=False)], first, now=LATER)
    since = {one["type"]: one["lastTransitionTime"] for one in second["conditions"]}
    assert since == {"PodReadyToStartContainers": NOW, "Initialized": NOW, "ContainersReady": LATER, "Ready": LATER}


def test_a_pod_has_no_address_before_it_has_a_network() -> None:
    waiting = written([container()], address=None, host="")
    assert not waiting.keys() & {"podIP", "podIPs", "hostIP", "hostIPs"}
    assert written([running()])["podIPs"] == [{"ip": "100.65.0.1"}]


def test_how_the_run_before_ended_is_kept_while_it_waits_and_runs_again() -> None:
    one = ended(3)
    assert one.state["terminated"] == {"exitCode": 3, "reason": "Error", "startedAt": NOW, "finishedAt": LATER}
    assert one.status()["restartCount"] == 0
    one.wait("CrashLoopBackOff", "back-off 10s")
    assert one.status()["restartCount"] == 0
    one.run(LATER)
    told = one.status()
    assert told["lastState"]["terminated"]["exitCode"] == 3
    assert told["state"] == {"running": {"startedAt": LATER}}
    assert (told["restartCount"], told["ready"]) == (1, False)


def test_the_first_restart_is_at_once_and_the_others_ever_later_up_to_five_minutes() -> None:
    assert [status.back_off(failures) for failures in range(8)] == [0, 10, 20, 40, 80, 160, 300, 300]


@pytest.mark.parametrize(
    ("policy", "after"), [("Always", (True, True)), ("OnFailure", (False, True)), ("Never", (False, False))]
)
def test_a_policy_says_after_which_end_a_container_is_started_again(policy: str, after: tuple[bool, bool]) -> None:
    assert (status.restarts(policy, 0), status.restarts(policy, 1)) == after
