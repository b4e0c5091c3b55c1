"""The progress of releases: on a terminal a status line that changes in place, in a log plain lines."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Self

from rich.console import Console
from rich.status import Status


class Display:
    """The progress of several releases; a context manager.

    Args:
        console: The console to write to.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Starts the status line."""
        if self._console.is_terminal:
            self._status = self._console.status("")
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stops the status line."""
        if self._status is not None:
            self._status.stop()

    def reporter(self, environment: str, service: str) -> Callable[[str], None]:
        """A function that shows a line of one release; any thread may call it."""

        def report(line: str) -> None:
            with self._lock:
                self._show(f"{environment}/{service}", line)

        return report

    def _show(self, subject: str, line: str) -> None:
        if self._status is None:
            self._print(f"{datetime.now(UTC):%H:%M:%S} {subject}: {line}")
            return
        # Lines on a wait only change in place; all others stay on the screen.
        self._status.update(f"{subject}: {line}")
        if not line.endswith((" are ready", " left", " yet")):
            self._print(f"{subject}: {line}")

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)
