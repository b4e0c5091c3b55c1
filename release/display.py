"""What a person sees while a release goes on: lines that move on a terminal, plain lines in a log."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Self

from rich.console import Console
from rich.status import Status


class Display:
    """Shows lines of several releases; use it as a context manager.

    Args:
        console: Where to write.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Begins to show."""
        if self._console.is_terminal:
            self._status = self._console.status("")
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends what moves."""
        if self._status is not None:
            self._status.stop()

    def reporter(self, environment: str, service: str) -> Callable[[str], None]:
        """Takes the lines of one release."""

        def report(line: str) -> None:
            with self._lock:
                self._show(f"{environment}/{service}", line)

        return report

    def _show(self, subject: str, line: str) -> None:
        if self._status is None:
            self._print(f"{datetime.now(UTC):%H:%M:%S} {subject}: {line}")
            return
        # What is waited for changes in place; what is done stays.
        self._status.update(f"{subject}: {line}")
        if not line.endswith((" are ready", " left", " yet")):
            self._print(f"{subject}: {line}")

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)
