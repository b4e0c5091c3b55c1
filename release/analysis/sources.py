"""What the sources of metrics have in common: windows of time, and errors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from release.analysis.judgement import Reading


class SourceError(Exception):
    """A source does not say what it was asked; the message says why."""


@dataclass(frozen=True)
class Window:
    """A time by a source's own clock, its end excluded."""

    begin: datetime
    end: datetime

    @property
    def seconds(self) -> int:
        """Its length."""
        return round((self.end - self.begin).total_seconds())


class Source(Protocol):
    """A source of metrics for one service.

    Attributes:
        grid: Seconds of its periods: a window begins and ends between two of them.
        delay: Seconds until what it says of a period is complete.
    """

    grid: int
    delay: int

    def now(self) -> datetime:
        """The time by its own clock, UTC.

        Raises:
            SourceError: It does not answer.
        """
        ...

    def read(self, slot: str, window: Window, *, live: bool) -> Reading:
        """What it says of a slot in a window.

        Args:
            slot: The slot.
            window: The time.
            live: Whether the active Service selected the slot in that time; else it had the requests of a canary only.

        Raises:
            SourceError: It does not say.
        """
        ...


def window_since(begin: datetime, now: datetime, *, grid: int, delay: int) -> Window | None:
    """The whole periods since a time of which a source's word is complete; None if there is none yet."""
    first, last = _rounded(begin, grid, up=True), _rounded(now - timedelta(seconds=delay), grid, up=False)
    return Window(first, last) if first < last else None


def window_until(end: datetime, seconds: int, *, grid: int) -> Window:
    """The whole periods before a time, of at least so many seconds."""
    last = _rounded(end, grid, up=False)
    return Window(_rounded(last - timedelta(seconds=seconds), grid, up=False), last)


def _rounded(time: datetime, grid: int, *, up: bool) -> datetime:
    seconds = time.timestamp()
    count = -(-seconds // grid) if up else seconds // grid
    return datetime.fromtimestamp(count * grid, UTC)
