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

FEWEST = 2
"""Bad answers from which there is a rise: in a short watch a single one, lost or late by chance, is a large share."""


@dataclass(frozen=True)
class Sample:
    """Answers of the active Service.

    Attributes:
        tries: Number of requests.
        bad: Number of answers without the status that the smoke test expects.
        last: The last one of these, in words.
    """

    tries: int
    bad: int
    last: str = ""

    def __add__(self, more: Sample) -> Sample:
        """This sample, and then another one."""
        return Sample(self.tries + more.tries, self.bad + more.bad, more.last or self.last)

    @property
    def share(self) -> float:
        """Share of bad answers, 0 to 1; 0 without requests."""
        return self.bad / self.tries if self.tries else 0.0


def is_worse(before: Sample, after: Sample, threshold: float = THRESHOLD) -> bool:
    """Whether the share of bad answers rose by more than the threshold, and not by a single one of several."""
    return after.bad >= min(FEWEST, after.tries) and after.share > before.share + threshold


def comparison(before: Sample, after: Sample, test: SmokeTest) -> str:
    """The bad answers of two samples, in words."""
    last = f" (the last one: {after.last})" if after.last else ""
    return f"{after.bad} of {after.tries} answers to {test.path} were bad{last}, {before.bad} of {before.tries} before"


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
    bad, last = 0, ""
    for number in range(1, tries + 1):
        answer = ask(test.path, REQUEST_SECONDS)
        if answer.status != test.status:
            bad, last = bad + 1, f"HTTP {answer.status}" if answer.status else f"no answer, {answer.body}"
        if is_enough(bad):
            break  # the requests that were not sent count as good
        if number < tries:
            pause()
    return Sample(tries, bad, last)
