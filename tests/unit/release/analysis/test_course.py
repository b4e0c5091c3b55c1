"""An analysis measures long enough, not too long, and the right times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.analysis.course import Comparison, Course
from release.analysis.judgement import Reading, Verdict
from release.analysis.result import Result
from release.analysis.settings import Analysis, Metric
from release.analysis.sources import SourceError, Window, window_since, window_until
from tests.unit.release.fake_cluster import FakeClock

ANALYSIS = Analysis((Metric("p95", maximum_of_old=1.5),), seconds=120, limit_seconds=900, min_requests=100)
SKEW = timedelta(hours=3, seconds=17)
"""How far the source's clock is ahead of this machine's."""


@dataclass
class FakeSource:
    """A source that has a clock of its own, and tells the window it was asked for."""

    clock: FakeClock
    tell: Callable[[str, Window], Reading]
    grid: int = 60
    delay: int = 120
    asked: list[tuple[str, Window, bool]] = field(default_factory=list[tuple[str, Window, bool]])

    def now(self) -> datetime:  # noqa: D102 - as in `Source`
        return self.clock.now() - self.clock.skew + SKEW

    def read(self, slot: str, window: Window, *, live: bool) -> Reading:  # noqa: D102 - likewise
        assert window.end + timedelta(seconds=self.delay) <= self.now(), "it is asked for what is not complete"
        self.asked.append((slot, window, live))
        return self.tell(slot, window)


def steady(new: float = 0.2, old: float = 0.2, per_second: float = 10) -> Callable[[str, Window], Reading]:
    def tell(slot: str, window: Window) -> Reading:
        return Reading(round(per_second * window.seconds), {"p95": new if slot == "green" else old})

    return tell


def run(
    tell: Callable[[str, Window], Reading],
    *,
    weight: int = 10,
    old: str | None = "blue",
    analysis: Analysis = ANALYSIS,
    grid: int = 60,
    delay: int = 120,
    before: Callable[[FakeClock], None] = lambda _: None,
) -> tuple[Result, float, FakeSource]:
    """The result, how many seconds it took, and the source."""
    clock = FakeClock()
    before(clock)
    source = FakeSource(clock, tell, grid=grid, delay=delay)
    comparison = Comparison(slot="green", old=old, weight=weight, started=clock.now() - timedelta(seconds=100))
    course = Course(analysis, comparison, [source], now=clock.now, monotonic=clock.monotonic)
    began = clock.monotonic()
    while (result := course.look()) is None:
        assert course.progress
        clock.sleep(5)
    return result, clock.monotonic() - began, source


def test_a_good_version_passes_after_its_time_and_the_delay_of_its_metrics() -> None:
    result, seconds, _ = run(steady())
    assert result.verdict is Verdict.PASSED
    assert (result.requests, result.old_requests, result.seconds, result.weight) == (1200, 1200, 120, 10)
    # At most a minute until its first whole minute, and what the polling adds.
    assert 240 <= seconds <= 120 + 120 + 60 + 5


def test_a_bad_version_fails_with_the_first_minute_that_is_complete() -> None:
    result, seconds, _ = run(steady(new=0.5))
    assert result.verdict is Verdict.FAILED
    assert result.reason == "p95 is 0.5, and may be at most 0.3, as the old version has 0.2"
    assert result.seconds == 60
    assert seconds <= 60 + 60 + 120 + 5


def test_few_requests_are_waited_for() -> None:
    result, _, _ = run(steady(per_second=0.5))
    assert result.verdict is Verdict.PASSED
    assert result.seconds == 240
    assert result.requests >= 100


def test_too_few_requests_are_said_at_the_limit() -> None:
    result, seconds, _ = run(steady(per_second=0.01))
    assert result.verdict is Verdict.UNDECIDED
    assert result.reason == "no verdict within 900 s: too few requests: 7 of at least 100"
    assert 900 <= seconds <= 905


def test_a_source_that_does_not_answer_is_no_verdict() -> None:
    def refuse(_slot: str, _window: Window) -> Reading:
        raise SourceError("AWS: throttled")

    result, _, _ = run(refuse)
    assert (result.verdict, result.reason) == (Verdict.UNDECIDED, "no verdict within 900 s: AWS: throttled")


def test_a_source_that_answers_again_goes_on() -> None:
    refused: list[Window] = []

    def tell(slot: str, window: Window) -> Reading:
        if len(refused) < 3:
            refused.append(window)
            raise SourceError("AWS: throttled")
        return steady()(slot, window)

    result, seconds, _ = run(tell)
    assert result.verdict is Verdict.PASSED
    assert seconds <= 120 + 120 + 60 + 5


def test_at_a_weight_both_slots_are_measured_at_the_same_time() -> None:
    _, _, source = run(steady())
    pairs = list(zip(source.asked[::2], source.asked[1::2], strict=True))
    assert pairs
    for (new, at, new_live), (old, then, old_live) in pairs:
        assert (new, old, new_live, old_live) == ("green", "blue", False, True)
        assert at == then


def test_after_the_switch_the_old_one_is_measured_before_the_release() -> None:
    _, _, source = run(steady(), weight=100)
    begun = datetime(2026, 1, 1, tzinfo=UTC) - timedelta(seconds=100) + SKEW
    new, old = ([one for one in source.asked if one[0] == slot] for slot in ("green", "blue"))
    assert {window for _, window, _ in old} == {window_until(begun, 120, grid=60)}
    assert all(window.end <= begun for _, window, _ in old)
    assert all(window.begin >= begun + timedelta(seconds=100) for _, window, _ in new)
    assert all(live for _, _, live in source.asked)


def test_a_first_version_is_compared_with_nothing() -> None:
    result, _, source = run(steady(), old=None, weight=100)
    assert {slot for slot, _, _ in source.asked} == {"green"}
    assert result.old_requests is None
    assert result.verdict is Verdict.PASSED


@pytest.mark.parametrize("hours", [-5, 5])
def test_this_machines_clock_does_not_matter(hours: int) -> None:
    def wrong(clock: FakeClock) -> None:
        clock.skew = timedelta(hours=hours)

    result, _, source = run(steady(), weight=100, before=wrong)
    _, _, right = run(steady(), weight=100)
    assert result.verdict is Verdict.PASSED
    assert [window for _, window, _ in source.asked] == [window for _, window, _ in right.asked]


TIMES = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis' way


@given(begin=TIMES, seconds=st.floats(0, 3600), grid=st.sampled_from([1, 5, 60]), delay=st.sampled_from([0, 120]))
def test_a_window_has_whole_periods_that_are_complete(begin: datetime, seconds: float, grid: int, delay: int) -> None:
    now = begin + timedelta(seconds=seconds)
    found = window_since(begin, now, grid=grid, delay=delay)
    if found is None:
        assert seconds < 2 * grid + delay
        return
    assert begin <= found.begin < found.end <= now - timedelta(seconds=delay)
    assert found.begin.timestamp() % grid == 0
    assert found.seconds % grid == 0
    assert found.begin - begin < timedelta(seconds=grid)
    assert now - timedelta(seconds=delay) - found.end < timedelta(seconds=grid)


@given(end=TIMES, seconds=st.integers(1, 900))
def test_a_window_before_a_time_is_at_least_as_long(end: datetime, seconds: int) -> None:
    found = window_until(end, seconds, grid=60)
    assert seconds <= found.seconds < seconds + 60
    assert end - timedelta(seconds=60) < found.end <= end
    assert found.begin.timestamp() % 60 == 0
