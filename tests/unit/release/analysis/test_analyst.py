"""A release with an analysis: what becomes of it, and what its history says."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from contract.blue_green import ANALYSIS
from kube.client import KubernetesObject
from release.analysis.judgement import Reading, Verdict
from release.analysis.sources import SourceError, Window
from release.context import Context, Limits
from release.errors import ExitCode, ReleaseError
from release.goals import Deploy, Goal, Rollback
from release.history import Outcome
from release.observe import observe
from release.run import Result, reconcile
from release.state import ServiceState
from tests.release.platform import image, objects
from tests.unit.release.analysis.test_course import FakeSource
from tests.unit.release.fake_cluster import FakeCaller, FakeClock, FakeCluster

FIRST, SECOND = image("api"), image("api")
SETTINGS: dict[str, Any] = {
    "metrics": [{"metric": "p95", "max": 5.0, "maxOfOld": 1.5}],
    "seconds": 60,
    "limitSeconds": 600,
    "minRequests": 100,
    "undecided": "abort",
}

Tell = Callable[[str, Window], Reading]


def told(seconds: float, requests: int = 500) -> Tell:
    """What the source says of green; blue has 0.2 s and 500 requests."""
    return lambda slot, _: Reading(requests, {"p95": seconds}) if slot == "green" else Reading(500, {"p95": 0.2})


@dataclass
class Service:
    """A service with an analysis, whose live slot is blue, by a source that says what it is told."""

    tell: Tell
    settings: dict[str, Any] = field(default_factory=lambda: SETTINGS)
    during: Callable[[FakeCluster], None] = lambda _: None

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        annotations = {ANALYSIS: json.dumps(self.settings)}
        made: list[KubernetesObject] = objects("dev", "api", annotations=annotations, minimum=2, maximum=4)
        self.cluster = FakeCluster(self.clock, made)
        self.lines: list[str] = []
        given, self.tell = self.tell, told(0.2)
        self.run(Deploy(image("api")))
        self.run(Deploy(FIRST))
        assert self.state.live == "blue"
        self.tell = given

    def run(self, goal: Goal) -> Result:
        """Reaches a goal."""

        def tell(slot: str, window: Window) -> Reading:
            self.during(self.cluster)
            return self.tell(slot, window)

        context = Context(
            api=self.cluster,
            caller=FakeCaller(),
            clock=self.clock,
            report=self.lines.append,
            by="tester",
            limits=Limits(ready=30, patience=5, endpoints=30, watch=1),
            metrics=lambda _api, _state, _analysis: [FakeSource(self.clock, tell)],
        )
        return reconcile(context, "dev", "api", goal)

    @property
    def state(self) -> ServiceState:
        """As it stands."""
        return observe(self.cluster, "dev", "api", now=self.clock.now())


def test_a_good_version_is_released_and_the_history_has_its_numbers() -> None:
    service = Service(told(0.2))
    result = service.run(Deploy(SECOND))
    assert result.exit_code is ExitCode.DONE
    entry = service.state.history[-1]
    assert entry.outcome is Outcome.RELEASED
    (analysis,) = entry.analyses
    assert (analysis.verdict, analysis.slot, analysis.weight, analysis.requests) == (Verdict.PASSED, "green", 100, 500)
    (metric,) = entry.to_json()["analyses"][0]["metrics"]
    assert metric == {"metric": "p95", "new": 0.2, "old": 0.2, "problem": None, "missing": None}
    assert any(line.startswith("Analysis of slot green at 100 %: no metrics yet") for line in service.lines)


def test_a_slow_version_is_taken_back_and_who_saw_it_is_said() -> None:
    service = Service(told(0.4, requests=431))
    result = service.run(Deploy(SECOND))
    assert result.exit_code is ExitCode.ROLLED_BACK
    assert result.message.startswith(
        "the analysis at 100 % failed: p95 is 0.4, and may be at most 0.3, as the old version has 0.2; "
        "at least 431 requests of users reached it; slot blue is live"
    )
    entry = service.state.history[-1]
    assert (entry.outcome, entry.analyses[0].verdict) == (Outcome.FAILED, Verdict.FAILED)
    assert "p95 is 0.4" in str(entry.reason)
    assert service.state.live == "blue"


@pytest.mark.parametrize(
    ("undecided", "code", "live"), [("abort", ExitCode.ROLLED_BACK, "blue"), ("continue", ExitCode.DONE, "green")]
)
def test_too_few_requests_are_said_whatever_becomes_of_it(undecided: str, code: ExitCode, live: str) -> None:
    service = Service(told(0.2, requests=3), {**SETTINGS, "undecided": undecided})
    result = service.run(Deploy(SECOND))
    assert (result.exit_code, service.state.live) == (code, live)
    assert "no verdict within 600 s: too few requests: 3 of at least 100" in result.message
    assert service.state.history[-1].analyses[0].verdict is Verdict.UNDECIDED


def test_a_source_that_does_not_answer_refuses_the_release_before_it_begins() -> None:
    def refuse(_slot: str, _window: Window) -> Reading:
        raise SourceError("AWS: AccessDenied")

    service = Service(refuse)
    before = service.state
    with pytest.raises(ReleaseError, match="the analysis of api in dev has no metrics: AWS: AccessDenied"):
        service.run(Deploy(SECOND))
    assert service.state.history == before.history
    assert service.state.green == before.green


def test_a_rollback_is_not_analyzed() -> None:
    service = Service(told(0.2))
    service.run(Deploy(SECOND))
    service.tell = told(9)
    assert service.run(Rollback()).exit_code is ExitCode.DONE
    assert service.state.live == "blue"
    assert service.state.history[-1].analyses == ()


def test_users_are_rescued_while_it_goes_on() -> None:
    """The new version's pods lose readiness in the middle of the analysis."""
    service = Service(told(0.2), {**SETTINGS, "seconds": 300})

    def fade(cluster: FakeCluster) -> None:
        if service.state.live == "green":
            cluster.fading = SECOND

    service.during = fade
    result = service.run(Deploy(SECOND))
    assert result.exit_code is ExitCode.ROLLED_BACK
    assert service.state.live == "blue"
    assert service.cluster.longest_outage <= Limits().outage + 5
