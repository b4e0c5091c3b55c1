"""`python -m tools.recording FILE -- COMMAND…`: runs a command in a terminal and keeps what it shows as an SVG."""

from __future__ import annotations

import os
import pty
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

COLUMNS = 110
"""Width of the terminal."""


def record(
    file: Annotated[Path, typer.Argument(help="The SVG to write.")],
    command: Annotated[list[str], typer.Argument(help="The command and its arguments.")],
    title: Annotated[str | None, typer.Option(help="The window's title; by default the command.")] = None,
    last: Annotated[int, typer.Option(help="Number of last lines to keep; 0 keeps all.")] = 0,
) -> None:
    """Run a command in a terminal of 110 columns; write the screen, with its colours, as an SVG."""
    lines = Text.from_ansi(_output(command).rstrip()).split("\n")[-last:]
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        for line in lines:
            console.print(line, no_wrap=True, overflow="crop")
        file.write_text(console.export_svg(title=title or " ".join(command)), encoding="utf-8")


def _output(command: list[str]) -> str:
    """What a command writes to a terminal, which also goes to this one.

    Raises:
        typer.Exit: The command failed; with its exit code.
    """
    written = bytearray()

    def read(descriptor: int) -> bytes:
        data = os.read(descriptor, 65536)
        written.extend(data)
        return data

    os.environ.update({"COLUMNS": str(COLUMNS), "TERM": "xterm-256color"})
    status = pty.spawn(command, read)
    if code := os.waitstatus_to_exitcode(status):
        raise typer.Exit(code)
    return written.decode().replace("\r\n", "\n")


if __name__ == "__main__":
    typer.run(record)
