"""`python -m tools.benchmarks.commands`: times the commands of a rehearsal in a fresh folder."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from rich.console import Console

from rehearsal.errors import RehearsalError
from rehearsal.layout import CHECKOUT
from tools.benchmarks.stack import Timing, cpu_of_children
from tools.benchmarks.tables import replace_section, table
from tools.guard import guarded_folder

HEAD = ("command", "wall", "CPU")
SECTION = "bench-commands"

# In a process of its own, since another checkout has other code.
_STOP = (
    "import sys; from pathlib import Path; from rehearsal import control_plane; from rehearsal.layout import Layout; "
    "control_plane.stop(Layout(Path(sys.argv[1])))"
)

_console = Console(stderr=True)


def commands(
    stack: Annotated[str, typer.Option(help="A stack of the tests.")] = "dev",
    repeat: Annotated[
        int, typer.Option(min=1, help="Runs of each command that changes nothing; the median counts.")
    ] = 3,
    checkout: Annotated[Path, typer.Option(help="The checkout whose code is timed.", resolve_path=True)] = CHECKOUT,
    document: Annotated[Path | None, typer.Option(help="A Markdown document whose section gets the table.")] = None,
) -> None:
    """Time first up, up again, up after a stop of the control plane, preview, status and down; print a table."""
    with guarded_folder("bench-") as folder:
        directory = folder / stack
        stacks = ("--stacks", str(checkout / "tests" / "fixtures" / "stacks"))

        def run(command: str, *options: str) -> Timing:
            words = ("-m", "rehearsal", command, "--stack", stack, "--directory", str(directory), *options)
            return _timed(checkout, folder / f"{command}.log", *words)

        def after_a_stop() -> Timing:
            _timed(checkout, folder / "stop.log", "-c", _STOP, str(directory))
            return run("up", *stacks)

        rows = [
            _row("first `make up`", lambda: run("up", *stacks)),
            _row("`make up`, no changes", lambda: run("up", *stacks), repeat),
            _row("`make up`, no changes, after the end of all processes", after_a_stop),
            _row("`make preview`, no changes", lambda: run("preview", *stacks), repeat),
            _row("`make status`", lambda: run("status"), repeat),
            _row("`make down`", lambda: run("down")),
        ]
    text = table(HEAD, rows)
    print(text)  # noqa: T201 - the result
    if document is not None:
        replace_section(document, SECTION, text)


def _row(label: str, run: Callable[[], Timing], repeat: int = 1) -> list[str]:
    timings = [run() for _ in range(repeat)]
    row = [label, *(f"{median(one):.1f} s" for one in zip(*((t.wall, t.cpu) for t in timings), strict=True))]
    _console.print(*row)
    return row


def _timed(checkout: Path, log: Path, *words: str) -> Timing:
    """Times a run of Python in a checkout; CPU is that of the process and those that it has waited for.

    Raises:
        RehearsalError: It failed.
    """
    wall, cpu = time.monotonic(), cpu_of_children()
    with log.open("w") as output:
        run = subprocess.run([sys.executable, *words], cwd=checkout, stdout=output, stderr=output, check=False)
    if run.returncode != 0:
        raise RehearsalError(f"python {' '.join(words)} failed:\n{log.read_text()}", remedy="see its message above.")
    return Timing(time.monotonic() - wall, cpu_of_children() - cpu)


if __name__ == "__main__":
    try:
        typer.run(commands)
    except RehearsalError as error:
        sys.exit(f"error: {error}")
