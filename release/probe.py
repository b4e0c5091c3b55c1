"""The analysis of a switch: the share of bad answers to the same request, before and after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from release.http import Answer
from release.state import SmokeTest

REQUEST_SECONDS = 1
"""As long as a kubelet waits for a readiness probe by default. Six answers that do not come end the watch of ten
seconds: so it must be short for users not to wait longer than `Limits.outage`.
https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#configure-probes
"""

PAUSE_SECONDS = 0.1
TRIES_BEFORE = 10
PAUSE_BEFORE_SECONDS = 0.02
"""Short, because a release waits for all tries before its switch."""

THRESHOLD = 0.05
"""Largest rise of the share of bad answers that is accepted."""


@dataclass(frozen=True)
class Sample:
    """Answers of the active Service.

    Attributes:
        tries: Number of requests.
        bad: Number of answers without the status that the smoke test expects.
    """

    tries: int
    bad: int

    @property
    def share(self) -> float:
        """Share of bad answers, 0 to 1; 0 without requests."""
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
    """Sends the smoke test's request several times.

    Args:
        test: The request, and the expected status.
        ask: Sends a GET, by path and time-out in seconds.
        tries: Number of requests.
        pause: Waits between two requests.
        is_enough: Whether to stop early, by the number of bad answers so far.
    """
    bad = 0
    for number in range(1, tries + 1):
        bad += ask(test.path, REQUEST_SECONDS).status != test.status
        if is_enough(bad):
            # The requests that were not sent count as good.
            return Sample(tries, bad)
        if number < tries:
            pause()
    return Sample(tries, bad)
