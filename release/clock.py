"""Clocks: the system's, and one that can be stopped."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """A source of time; tests have one of their own."""

    def now(self) -> datetime:
        """The current time, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some time, which nobody sets back; the time in which the machine sleeps included."""
        ...

    def sleep(self, seconds: float) -> None:
        """Waits for some seconds."""
        ...


class SystemClock:
    """The system's clock."""

    def now(self) -> datetime:
        """The current time, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since the machine's start."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Waits for some seconds."""
        time.sleep(seconds)


class StoppableClock:
    """A clock that can be stopped from another thread: from then on it raises KeyboardInterrupt.

    Args:
        clock: The clock that it asks.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Stops the clock: every later call raises, and every wait at its end."""
        self._stopped.set()

    def now(self) -> datetime:
        """The current time, UTC.

        Raises:
            KeyboardInterrupt: The clock was stopped.
        """
        if self._stopped.is_set():
            raise KeyboardInterrupt
        return self._clock.now()

    def monotonic(self) -> float:
        """Seconds since some time."""
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """Waits for some seconds.

        Raises:
            KeyboardInterrupt: The clock was stopped, before or meanwhile.
        """
        self.now()
        self._clock.sleep(seconds)
        self.now()
