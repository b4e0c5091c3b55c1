"""The smoke test: whether a new version answers as it should, before users reach it."""

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
    """Tries until an answer is good; None then, else what was wrong with the last.

    Args:
        test: What is asked, and what is a good answer.
        ask: Asks for a path, with a time-out in seconds.
        now: The time.
        pause: Waits for so many seconds.
    """
    deadline = now() + timedelta(seconds=test.deadline_seconds)
    wrong: str | None = "was not tried"
    tried = 0
    while tried < test.tries and (tried == 0 or now() < deadline):
        if tried:
            pause(PAUSE_SECONDS)
        left = (deadline - now()).total_seconds()
        wrong = _wrong(test, ask(test.path, min(REQUEST_SECONDS, max(left, 0.1))))
        tried += 1
        if wrong is None:
            return None
    return f"{test.path} {wrong} ({tried} tries)"


def _wrong(test: SmokeTest, answer: Answer) -> str | None:
    if answer.status is None:
        return f"did not answer: {answer.body}"
    if answer.status != test.status:
        return f"answered {answer.status}, not {test.status}"
    if test.contains is not None and test.contains not in answer.body:
        return f'answered {answer.status} without "{test.contains}" in it'
    return None
