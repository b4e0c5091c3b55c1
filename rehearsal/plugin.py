"""End of a plugin process together with the Pulumi engine that started it."""

from __future__ import annotations

import os
import signal
import time
from types import FrameType

_POLL_SECONDS = 0.1


class EndOfEngine:
    """Signal to end: the engine is gone, or has sent SIGTERM or SIGINT.

    Must be created in the main thread of the process that the engine started, whose parent is the engine.
    """

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._signalled = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)

    def wait(self) -> None:
        """Returns when this process has to end."""
        while os.getppid() == self._parent and not self._signalled:
            time.sleep(_POLL_SECONDS)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        # No `threading.Event`: the handler interrupts the main thread, which may hold the event's lock.
        self._signalled = True
