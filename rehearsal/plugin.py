"""What every program that the engine starts has in common: it ends when the engine does."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

SECONDS_BETWEEN_LOOKS_AT_THE_PARENT = 1.0


class EndOfEngine:
    """Comes when the engine is gone, or asks for the end with SIGTERM or SIGINT.

    To be made in the main thread of the very process the engine started (`exec`): the parent's end is the engine's.
    """

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._told = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._tell)

    def wait(self) -> None:
        """Returns when it is time to end."""
        while os.getppid() == self._parent and not self._told.wait(SECONDS_BETWEEN_LOOKS_AT_THE_PARENT):
            pass

    def _tell(self, _number: int, _frame: FrameType | None) -> None:
        self._told.set()
