"""End of a plugin process together with the Pulumi engine that started it."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

SECONDS_BETWEEN_LOOKS_AT_THE_PARENT = 1.0


class EndOfEngine:
    """Signal to end: the engine is gone, or has sent SIGTERM or SIGINT.

    Must be created in the main thread of the process that the engine started, whose parent is the engine.
    """

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._told = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._tell)

    def wait(self) -> None:
        """Returns when this process has to end."""
        while os.getppid() == self._parent and not self._told.wait(SECONDS_BETWEEN_LOOKS_AT_THE_PARENT):
            pass

    def _tell(self, _number: int, _frame: FrameType | None) -> None:
        self._told.set()
