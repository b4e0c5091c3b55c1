"""The analyses of one run of the release tool."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from release.analysis.cloudwatch import CloudWatch
from release.analysis.course import Comparison, Course
from release.analysis.prometheus import Prometheus
from release.analysis.result import Result
from release.analysis.settings import Analysis
from release.analysis.sources import Source, SourceError, window_until
from release.clock import Clock
from release.errors import ReleaseError
from release.objects import ObjectReader
from release.state import ServiceState, other

CHECK_SECONDS = 60


def sources(api: ObjectReader, state: ServiceState, analysis: Analysis) -> list[Source]:
    """The sources of a service's analysis; that of the number of requests is one of them."""
    found: list[Source] = []
    if analysis.uses_load_balancer:
        names = [metric.name for metric in analysis.metrics if metric.query is None]
        found.append(CloudWatch(api, state.environment, state.service, names))
    if analysis.prometheus is not None:
        names = {"environment": state.environment, "service": state.service}
        found.append(Prometheus(analysis.prometheus, analysis, names))
    return found


class Analyst:
    """The analyses of one run.

    Args:
        clock: The clock.
        sources: The sources of a service's analysis.
    """

    def __init__(self, clock: Clock, sources: Callable[[ServiceState, Analysis], list[Source]]) -> None:
        self._clock = clock
        self._sources = sources
        self._course: Course | None = None
        self._of: tuple[str, int] | None = None
        self._result: Result | None = None

    @property
    def progress(self) -> str:
        """How far the analysis is, for a person."""
        return self._course.progress if self._course else ""

    def check(self, state: ServiceState) -> None:
        """Asks all sources once, before anything is changed.

        Raises:
            ReleaseError: One does not answer.
        """
        if state.analysis is None:
            return
        try:
            for source in self._sources(state, state.analysis):
                end = source.now() - timedelta(seconds=source.delay)
                source.read(state.live, window_until(end, CHECK_SECONDS, grid=source.grid), live=True)
        except SourceError as error:
            raise ReleaseError(
                f"the analysis of {state.service} in {state.environment} has no metrics: {error}",
                remedy="see docs/how-to/analysis.md for the rights and routes that it needs",
            ) from None

    def look(self, state: ServiceState, slot: str, weight: int) -> Result | None:
        """The result of the analysis of a slot at a weight, which the first look begins; None until there is one.

        Args:
            state: The state, whose release is running.
            slot: The new slot.
            weight: Its share of the requests in percent.
        """
        analysis, running = state.analysis, state.running
        assert analysis is not None and running is not None  # noqa: S101, PT018 - the caller's duty
        if self._course is None or self._of != (slot, weight):
            old = other(slot) if running.previous else None
            comparison = Comparison(slot=slot, old=old, weight=weight, started=running.started)
            sources = self._sources(state, analysis)
            self._course = Course(analysis, comparison, sources, now=self._clock.now, monotonic=self._clock.monotonic)
            self._of, self._result = (slot, weight), None
        self._result = self._result or self._course.look()
        return self._result
