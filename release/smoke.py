"""The smoke test of a new version, before it goes live."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from release.http import Answer
from release.state import SmokeTest

REQUEST_SECONDS = 5
PAUSE_SECONDS = 1


def failure(
    test: SmokeTest, ask: Callable[[str, float], Answer], *, now: Callable[[], datetime], pause: Callable[[float], None]
) -> str | None:
    """Sends the request until an answer is good, then returns None; else what was wrong with the last answer.

    Args:
        test: The request and its expected answer.
        ask: Sends a GET, by path and time-out in seconds.
        now: The current time.
        pause: Waits for some seconds.
    """
    deadline = now() + timedelta(seconds=test.deadline_seconds)
    mismatch: str | None = "was not tried"
    tried = 0
    while tried < test.tries and (tried == 0 or now() < deadline):
        if tried:
            pause(PAUSE_SECONDS)
        left = (deadline - now()).total_seconds()
        mismatch = _mismatch(test, ask(test.path, min(REQUEST_SECONDS, max(left, 0.1))))
        tried += 1
        if mismatch is None:
            return None
    return f"{test.path} {mismatch} ({tried} tries)"


def _mismatch(test: SmokeTest, answer: Answer) -> str | None:
    if answer.status is None:
        return f"did not answer: {answer.body}"
    if answer.status != test.status:
        return f"answered {answer.status}, not {test.status}"
    if test.contains is not None and test.contains not in answer.body:
        return f'answered {answer.status} without "{test.contains}" in it'
    return None
