"""The progress of releases: on a terminal a live view, in a log a line for each step as it begins."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from release.messages import ahead, is_failure, same_step

REFRESHES_A_SECOND = 4


@dataclass
class _Step:
    """The step that a release is at.

    Attributes:
        line: The line that tells of it.
        at: When it began.
        since: The same by the monotonic clock.
        before: The lines of the steps before it.
    """

    line: str
    at: datetime
    since: float
    before: list[str] = field(default_factory=list[str])


class Display:
    """The progress of several releases; a context manager.

    A terminal shows each release's present step with its seconds, and what comes next; steps that are done stay on the
    screen above, with the seconds that they took.

    Args:
        console: The console to write to.
        monotonic: The clock by which steps take their seconds.
    """

    def __init__(self, console: Console, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._monotonic = monotonic
        self._live: Live | None = None
        self._steps: dict[str, _Step] = {}
        self._spinner = Spinner("dots")
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Starts the live view."""
        if self._console.is_terminal:
            self._live = Live(
                get_renderable=self._now,
                console=self._console,
                transient=True,
                refresh_per_second=REFRESHES_A_SECOND,
            )
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the live view."""
        for subject in list(self._steps):
            self._end(subject)
        if self._live is not None:
            self._live.stop()

    def reporter(self, environment: str, service: str) -> Callable[[str], None]:
        """A function that shows a line of one release; any thread may call it."""
        subject = f"{environment}/{service}"
        return lambda line: self._show(subject, line)

    def end(self, environment: str, service: str) -> None:
        """Shows that a release does nothing any more."""
        self._end(f"{environment}/{service}")

    def _show(self, subject: str, line: str) -> None:
        now = datetime.now(UTC)
        if self._live is None:
            self._console.print(f"{now:%H:%M:%S} {subject}: {line}", markup=False, highlight=False, soft_wrap=True)
            return
        with self._lock:
            step = self._steps.get(subject)
            if step is not None and same_step(step.line, line):
                step.line = line
                return
            before = [*step.before, step.line] if step else []
            self._steps[subject] = _Step(line, now, self._monotonic(), before)
        if step is not None:
            self._print_done(subject, step)

    def _end(self, subject: str) -> None:
        with self._lock:
            step = self._steps.pop(subject, None)
        if step is not None:
            self._print_done(subject, step)

    def _print_done(self, subject: str, step: _Step) -> None:
        # Not under the lock: the live view holds the console's while it asks for what to show.
        self._console.print(self._row(f"{step.at:%H:%M:%S}", subject, step))

    def _now(self) -> RenderableType:
        with self._lock:
            steps = dict(self._steps)
        return Group(*(self._row(self._spinner, subject, step, shows_next=True) for subject, step in steps.items()))

    def _row(self, mark: RenderableType, subject: str, step: _Step, *, shows_next: bool = False) -> Table:
        row = Table.grid(padding=(0, 1), expand=True)
        row.add_column(width=len("HH:MM:SS"), justify="right")
        row.add_column(no_wrap=True)
        row.add_column(ratio=1)
        row.add_column(no_wrap=True, justify="right")
        text = Text(step.line, style="red" if is_failure(step.line) else "")
        following = ahead([*step.before, step.line]) if shows_next else ()
        if following:
            text.append(f"\nnext: {', '.join(following)}", style="dim")
        seconds = self._monotonic() - step.since
        row.add_row(mark, Text(f"{subject}:"), text, Text(f"{seconds:.0f} s" if seconds >= 1 else "", style="dim"))
        return row
