"""The time, so that a test can have another one."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the release tool asks of a clock."""

    def now(self) -> datetime:
        """The time, UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Waits."""
        ...


class SystemClock:
    """This machine's clock."""

    def now(self) -> datetime:
        """The time, UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Waits."""
        time.sleep(seconds)


class StoppableClock:
    """Another clock, until it is stopped: then it ends whoever asks it, on whatever thread.

    Args:
        clock: The other clock.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Ends, from now on, who looks at it."""
        self._stopped.set()

    def now(self) -> datetime:
        """The time, UTC.

        Raises:
            KeyboardInterrupt: It was stopped.
        """
        if self._stopped.is_set():
            raise KeyboardInterrupt
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Waits.

        Raises:
            KeyboardInterrupt: It was stopped, before or meanwhile.
        """
        self.now()
        self._clock.sleep(seconds)
        self.now()
