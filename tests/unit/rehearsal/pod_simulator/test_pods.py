"""A pod's server serves from its start to the end of the preStop sleep, and ends within the grace period."""

from __future__ import annotations

import pytest

from rehearsal.demo_images import Fault
from rehearsal.pod_simulator.pods import Phase, Pod, pod
from tests.unit.rehearsal.pod_simulator import example
from tests.unit.rehearsal.pod_simulator.example import NOW


def seen(**options: object) -> Pod:
    found = pod(example.pod(**options))  # pyright: ignore[reportArgumentType]
    assert found is not None
    return found


def test_it_says_who_it_is() -> None:
    assert seen(version="v7").description() == {
        "environment": "dev",
        "service": "api",
        "slot": "blue",
        "version": "v7",
        "pod": "api-blue-1",
    }


def test_what_there_is_to_know() -> None:
    found = seen(fault=Fault.ERRORS)
    assert (found.ports, found.health_path, found.fault) == ({8099}, "/api/healthcheck", Fault.ERRORS)


@pytest.mark.parametrize("state", ["waiting", "terminated"])
def test_a_container_that_does_not_run_serves_nothing(state: str) -> None:
    assert seen(state=state).phase(NOW) is Phase.ABSENT


def test_a_pod_without_a_status_serves_nothing() -> None:
    body = example.pod()
    del body["status"]
    found = pod(body)
    assert found is not None
    assert (found.phase(NOW), found.address) == (Phase.ABSENT, None)


@pytest.mark.parametrize(
    ("after", "phase"),
    [(0, Phase.SERVING), (9.9, Phase.SERVING), (10, Phase.ENDING), (44.9, Phase.ENDING), (45, Phase.ABSENT)],
)
def test_a_deleted_pod_serves_through_its_prestop_sleep_and_ends_within_its_grace(after: float, phase: Phase) -> None:
    assert seen(deleted=NOW, sleep=10, grace=45).phase(NOW + after) is phase


def test_a_grace_period_that_is_shorter_than_the_sleep_ends_it() -> None:
    assert seen(deleted=NOW, sleep=10, grace=1).phase(NOW + 1) is Phase.ABSENT


def test_a_pod_without_a_port_or_with_its_nodes_address_is_not_called() -> None:
    without, on_node = example.pod(), example.pod()
    del without["spec"]["containers"][0]["ports"]
    on_node["spec"]["hostNetwork"] = True
    assert pod(without) is None
    assert pod(on_node) is None
