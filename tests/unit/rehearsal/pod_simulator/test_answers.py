"""A pod's answers by its image's fault and the request."""

from __future__ import annotations

import json
from http import HTTPStatus

import pytest

from rehearsal.demo_images import Fault
from rehearsal.pod_simulator.answers import REQUESTS_UNTIL_BROKEN, SLOW_SECONDS, USERS_SECONDS, answer
from rehearsal.pod_simulator.pods import Pod, pod
from release import probe, smoke
from tests.unit.rehearsal.pod_simulator import example

HEALTH = "/api/healthcheck"


def version(fault: Fault | None = None) -> Pod:
    found = pod(example.pod(version="v2", fault=fault))
    assert found is not None
    return found


def statuses(fault: Fault | None, answered: int = 0) -> tuple[int, int]:
    """Of the health path, and of another one."""
    health, other = (answer(version(fault), path, "", answered).status for path in (HEALTH, "/api/x"))
    return int(health), int(other)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (None, (200, 200)),
        (Fault.NEVER_READY, (503, 503)),
        (Fault.ERRORS, (500, 500)),
        (Fault.SMOKE_TEST, (503, 200)),
        (Fault.BREAKS_UNDER_TRAFFIC, (200, 200)),
        (Fault.SLOW, (200, 200)),
        (Fault.SLOW_FOR_USERS, (200, 200)),
        (Fault.HOLDS_CONNECTIONS, (200, 200)),
        (Fault.SLOW_START, (200, 200)),
    ],
)
def test_each_fault_shows_where_it_should(fault: Fault | None, expected: tuple[int, int]) -> None:
    assert statuses(fault) == expected


def test_what_breaks_under_traffic_passes_a_smoke_test_first() -> None:
    assert statuses(Fault.BREAKS_UNDER_TRAFFIC, REQUESTS_UNTIL_BROKEN - 1) == (200, 200)
    assert statuses(Fault.BREAKS_UNDER_TRAFFIC, REQUESTS_UNTIL_BROKEN) == (500, 500)
    assert statuses(None, 10**6) == (200, 200)


def test_a_slow_version_passes_the_smoke_test_and_not_the_watch() -> None:
    found = answer(version(Fault.SLOW), HEALTH, "", 0)
    assert found.after == SLOW_SECONDS
    assert probe.REQUEST_SECONDS < found.after < smoke.REQUEST_SECONDS


def test_what_is_slow_for_users_is_fast_on_its_health_path_and_breaks_no_time_limit() -> None:
    health, other = (answer(version(Fault.SLOW_FOR_USERS), path, "", 0).after for path in (HEALTH, "/api/x"))
    assert (health, other) == (0, USERS_SECONDS)
    assert USERS_SECONDS < probe.REQUEST_SECONDS


def test_a_program_gets_json_and_a_person_a_page() -> None:
    said = answer(version(), "/", "application/json", 0)
    assert (said.content_type, json.loads(said.body())["version"]) == ("application/json", "v2")
    page = answer(version(), "/", "text/html,application/xhtml+xml,*/*;q=0.8", 0)
    assert page.content_type.startswith("text/html")
    assert page.body().startswith(b"<!doctype html>")


def test_a_sleep_is_on_top_of_the_faults_own() -> None:
    assert answer(version(Fault.SLOW), "/?sleep=1.5", "", 0).after == SLOW_SECONDS + 1.5


@pytest.mark.parametrize("sleep", ["-1", "601", "long", "nan", "inf"])
def test_a_sleep_that_is_none_is_refused(sleep: str) -> None:
    said = answer(version(), f"/?sleep={sleep}", "", 0)
    assert said.status is HTTPStatus.BAD_REQUEST
    assert said.content["error"] == "sleep: a number of seconds from 0 to 600"


def test_a_called_services_answer_is_part_of_the_answer() -> None:
    asked = answer(version(), "/?call=http://ai:8085/health%3Fx=1", "text/html", 0)
    assert (asked.call, asked.is_page) == ("http://ai:8085/health?x=1", False)
    good = asked.with_call(200, {"pod": "ai-blue-1"})
    assert (good.status, good.content["called"]["answer"]) == (HTTPStatus.OK, {"pod": "ai-blue-1"})
    for status in (None, 500):
        assert asked.with_call(status, "…").status is HTTPStatus.BAD_GATEWAY
