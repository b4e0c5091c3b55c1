"""The watch of a new slot at one weight of a canary, in turns: in between, the plan looks at the service again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from release import probe
from release.http import Answer
from release.probe import Sample
from release.state import SmokeTest
from release.steps import Analyze

TURN_TRIES = 20
"""Requests of one turn: two seconds of them, `probe.PAUSE_SECONDS` apart."""


@dataclass(frozen=True)
class Hold:
    """A watch that goes on.

    Attributes:
        step: What it is of.
        since: When it began.
        seconds: How long it lasts.
        sample: The answers of the new slot so far.
    """

    step: Analyze
    since: datetime
    seconds: float
    sample: Sample

    def after_turn(self, test: SmokeTest, ask: Callable[[str, float], Answer], pause: Callable[[], None]) -> Hold:
        """The watch after another turn of requests."""
        more = probe.measure(test, ask, tries=TURN_TRIES, pause=pause)
        return replace(self, sample=self.sample + more)

    def is_over(self, now: datetime) -> bool:
        """Whether it has lasted long enough."""
        return (now - self.since).total_seconds() >= self.seconds

    def failure(self, test: SmokeTest, before: Sample) -> str | None:
        """Why the new slot has failed: it answers worse than the old one did. None if it has not."""
        # The requests that are still to be sent count as good.
        tries = max(self.sample.tries, round(self.seconds / probe.PAUSE_SECONDS))
        if not probe.is_worse(before, Sample(tries, self.sample.bad)):
            return None
        return f"worse at {self.step.weight} %: {probe.comparison(before, self.sample, test)}"
