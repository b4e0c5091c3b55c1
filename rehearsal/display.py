"""Progress of an engine run: a status line on a terminal, a line now and then elsewhere, or one for each resource."""

from __future__ import annotations

import re
import time
from collections import Counter
from types import TracebackType
from typing import Self

from pulumi.automation.events import EngineEvent, OpType
from rich.console import Console

STEP = 100
"""Changed resources after which a log gets a line."""

_MARKUP = re.compile(r"<\{%[^%]*%\}>")
"""Colour markup in the engine's messages, such as `<{%reset%}>`."""

_UNCHANGED = {OpType.SAME, OpType.READ}
_SYMBOLS = {OpType.CREATE: "+", OpType.UPDATE: "~", OpType.DELETE: "-"}
_WORDS = {OpType.CREATE: "created", OpType.UPDATE: "updated", OpType.DELETE: "deleted", OpType.REFRESH: "refreshed"}
_PARTS = {OpType.CREATE_REPLACEMENT, OpType.DELETE_REPLACED}
"""Steps of a replacement, which the engine also reports as a whole."""

_HIDDEN_TYPES = ("pulumi:pulumi:Stack", "pulumi:providers:")


class EngineDisplay:
    """Context manager that shows the progress of one engine run.

    Args:
        console: Where to.
        title: The run, as its command.
        verbose: Whether each changed resource has a line.
    """

    def __init__(self, console: Console, title: str, *, verbose: bool = False) -> None:
        self._console = console
        self._title = title
        self._verbose = verbose
        self._began = time.monotonic()
        self._changes: Counter[str] = Counter()
        self._status = console.status(title)

    def __enter__(self) -> Self:
        """Prints the title, or starts the status line."""
        if not self._console.is_terminal:
            self._console.print(self._title)
        self._status.start()  # shows nothing but on a terminal
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Prints the number of changes by kind."""
        self._status.stop()
        counts = ", ".join(f"{number} {word}" for word, number in sorted(self._changes.items()))
        self._console.print(f"{self._title}: {counts or 'nothing changed'}, in {self._seconds()} s", highlight=False)

    def event(self, event: EngineEvent) -> None:
        """Shows one engine event."""
        if event.diagnostic_event is not None and event.diagnostic_event.severity == "error":
            message = _MARKUP.sub("", event.diagnostic_event.message).strip()
            subject = _name(event.diagnostic_event.urn or "")
            self._console.print(
                f"error: {f'{subject}: ' if subject else ''}{message}", style="red", markup=False, soft_wrap=True
            )
        elif event.resource_pre_event is not None:
            about = event.resource_pre_event.metadata
            if about.op not in _UNCHANGED:
                done = sum(self._changes.values())
                self._status.update(f"{self._title}: {done} done, {about.op.value} {_name(about.urn)}")
        elif event.res_outputs_event is not None:
            about = event.res_outputs_event.metadata
            if about.op in _UNCHANGED | _PARTS or about.type.startswith(_HIDDEN_TYPES):
                return
            self._changes[_WORDS.get(about.op, "replaced")] += 1
            done = sum(self._changes.values())
            if self._verbose:
                symbol = _SYMBOLS.get(about.op, "±")
                self._console.print(
                    f"  {symbol} {about.type} {_name(about.urn)}", markup=False, highlight=False, soft_wrap=True
                )
            elif not self._console.is_terminal and done % STEP == 0:
                self._console.print(f"{self._title}: {done} done after {self._seconds()} s", highlight=False)

    def _seconds(self) -> int:
        return round(time.monotonic() - self._began)


def _name(urn: str) -> str:
    return urn.rsplit("::", 1)[-1]
