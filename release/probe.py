"""Whether users are worse off after a switch than before: the same request, counted on both sides of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from release.http import Answer
from release.state import SmokeTest

REQUEST_SECONDS = 2
PAUSE_SECONDS = 0.1
TRIES_BEFORE = 10
PAUSE_BEFORE_SECONDS = 0.02
"""A release waits for these tries."""

THRESHOLD = 0.05
"""By how much the share of bad answers may rise."""


@dataclass(frozen=True)
class Sample:
    """Answers of the active Service.

    Attributes:
        tries: Requests.
        bad: Those without the status that the smoke test expects.
    """

    tries: int
    bad: int

    @property
    def share(self) -> float:
        """Bad ones of all, 0 to 1; 0 where there were none."""
        return self.bad / self.tries if self.tries else 0.0


def is_worse(before: Sample, after: Sample, threshold: float = THRESHOLD) -> bool:
    """Whether the share of bad answers rose by more than the threshold."""
    return after.share > before.share + threshold


def measure(
    test: SmokeTest,
    ask: Callable[[str, float], Answer],
    *,
    tries: int,
    pause: Callable[[], None],
    is_enough: Callable[[int], bool] = lambda _: False,
) -> Sample:
    """Asks again and again.

    Args:
        test: What is asked, and the status of a good answer.
        ask: Asks for a path, with a time-out in seconds.
        tries: How often.
        pause: Waits between two.
        is_enough: Takes the number of bad answers: whether to stop asking.
    """
    bad = 0
    for number in range(1, tries + 1):
        bad += ask(test.path, REQUEST_SECONDS).status != test.status
        if is_enough(bad):
            # What was not asked counts as good: the sample then understates, and is bad enough.
            return Sample(tries, bad)
        if number < tries:
            pause()
    return Sample(tries, bad)
