"""The course of an analysis: which times are measured, until when, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from release.analysis.judgement import Judgement, Reading, Verdict, judge
from release.analysis.result import Result
from release.analysis.settings import Analysis
from release.analysis.sources import Source, SourceError, Window, window_since, window_until

AFTER_SWITCH = 100
"""The weight of a slot that has all requests."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What is compared.

    Attributes:
        slot: The new slot.
        old: The old slot; None if there is no old version.
        weight: The new slot's share of the requests in percent. Below 100 both slots have requests at the same time;
            at 100 the old one is measured in the time before the release began.
        started: When the release began.
    """

    slot: str
    old: str | None
    weight: int
    started: datetime


class Course:
    """An analysis under way. Times are those of each source's clock: only durations are taken from this machine's.

    Args:
        analysis: The analysis.
        comparison: What is compared.
        sources: The sources.
        now: The current time.
        monotonic: Seconds since some time, which nobody sets back.

    Attributes:
        progress: How far it is, for a person.
    """

    def __init__(
        self,
        analysis: Analysis,
        comparison: Comparison,
        sources: Sequence[Source],
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._analysis = analysis
        self._comparison = comparison
        self._sources = sources
        self._now = now
        self._monotonic = monotonic
        self._began = monotonic()
        self._since_start = now() - comparison.started
        self._begins: dict[int, datetime] = {}
        self._windows: list[Window] = []
        self._judgement: Judgement | None = None
        self._problem: str | None = None
        self.progress = "no metrics yet"

    def look(self) -> Result | None:
        """The result; None as long as there is none."""
        elapsed = self._monotonic() - self._began
        try:
            self._measure(elapsed)
            self._problem = None
        except SourceError as error:
            self._problem = str(error)
        self.progress = self._progress()
        return self._result() if self._is_over(elapsed) else None

    def _is_over(self, elapsed: float) -> bool:
        verdict = self._judgement.verdict if self._judgement else Verdict.UNDECIDED
        measured = verdict is Verdict.PASSED and self._seconds >= self._analysis.seconds
        return verdict is Verdict.FAILED or measured or elapsed >= self._analysis.limit_seconds

    @property
    def _seconds(self) -> int:
        """Length of the time that all sources have told about."""
        return min((window.seconds for window in self._windows), default=0)

    def _measure(self, elapsed: float) -> None:
        """Judges anew, if there is a new period of some source."""
        windows: list[Window] = []
        for index, source in enumerate(self._sources):
            if index not in self._begins:
                self._begins[index] = source.now() - timedelta(seconds=elapsed)
            begin = self._begins[index]
            found = window_since(begin, begin + timedelta(seconds=elapsed), grid=source.grid, delay=source.delay)
            if found is None:
                return
            windows.append(found)
        if windows == self._windows:
            return
        new = merged([one.read(self._comparison.slot, at, live=self._is_alone) for one, at in self._zip(windows)])
        self._judgement = judge(self._analysis, new, self._old(windows))
        self._windows = windows

    @property
    def _is_alone(self) -> bool:
        """Whether the new slot has all requests."""
        return self._comparison.weight >= AFTER_SWITCH

    def _old(self, windows: Sequence[Window]) -> Reading | None:
        if self._comparison.old is None:
            return None
        if self._is_alone:
            windows = [
                window_until(self._begins[index] - self._since_start, self._analysis.seconds, grid=source.grid)
                for index, source in enumerate(self._sources)
            ]
        return merged([one.read(self._comparison.old, at, live=True) for one, at in self._zip(windows)])

    def _zip(self, windows: Sequence[Window]) -> list[tuple[Source, Window]]:
        return list(zip(self._sources, windows, strict=True))

    def _progress(self) -> str:
        if self._problem:
            return self._problem
        if self._judgement is None:
            return "no metrics yet"
        return f"{self._seconds} of {self._analysis.seconds} s, {self._judgement}"

    def _result(self) -> Result:
        judgement = self._judgement or Judgement(Verdict.UNDECIDED, 0, None, ())
        verdict, reason = judgement.verdict, judgement.reason
        if verdict is Verdict.PASSED and self._seconds < self._analysis.seconds:
            verdict, reason = Verdict.UNDECIDED, f"only {self._seconds} of {self._analysis.seconds} s were measured"
        if verdict is Verdict.UNDECIDED:
            reason = self._problem or reason or "there are no metrics"
            reason = f"no verdict within {self._analysis.limit_seconds} s: {reason}"
        return Result(
            slot=self._comparison.slot,
            weight=self._comparison.weight,
            verdict=verdict,
            reason=reason,
            requests=judgement.requests,
            old_requests=judgement.old_requests,
            seconds=self._seconds,
            finished=self._now(),
            findings=judgement.findings,
        )


def merged(readings: Sequence[Reading]) -> Reading:
    """The readings of several sources as one."""
    values = {name: value for reading in readings for name, value in reading.values.items()}
    return Reading(max((reading.requests for reading in readings), default=0), values)
