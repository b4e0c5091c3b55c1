"""The rehearsals that run on this machine, also those whose files are gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil
from rich.filesize import decimal
from rich.table import Table

from rehearsal import processes
from rehearsal.layout import RUNS_VARIABLE


@dataclass(frozen=True)
class Running:
    """The processes of one rehearsal: what its process table has, engines, and what these have started.

    Attributes:
        directory: The rehearsal's directory, which may no longer exist.
    """

    directory: Path
    processes: tuple[psutil.Process, ...]

    @property
    def is_stray(self) -> bool:
        """Whether its directory is gone, so that no command can use or stop it."""
        return not self.directory.exists()


def marked(variable: str) -> dict[str, set[psutil.Process]]:
    """The processes of this user with an environment variable, and all that they have started, by its value."""
    found: dict[str, set[psutil.Process]] = {}
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if value := process.environ().get(variable):
                # Containers have an environment of their own.
                found.setdefault(value, set()).update((process, *process.children(recursive=True)))
    return found


def find(under: Path | None = None) -> list[Running]:
    """The rehearsals of this machine, by directory; `under` names a folder with the directory."""
    return [
        Running(directory, tuple(found))
        for name, found in sorted(marked(RUNS_VARIABLE).items())
        if (directory := Path(name)).is_relative_to(under or directory.root)
    ]


def end(variable: str, value: str) -> int:
    """Ends all processes with a value of an environment variable, and those that start meanwhile; returns how many."""
    ended: set[psutil.Process] = set()
    while alive := marked(variable).get(value):
        processes.end(tuple(alive), patience=10)
        ended |= alive
    return len(ended)


def table(rehearsals: list[Running]) -> Table:
    """The rehearsals as a table; the ports are those on this machine's own network."""
    columns = ("directory", "since", "processes", "memory", "ports", "")
    lines = Table(*columns, box=None, pad_edge=False)
    for one in rehearsals:
        since, memory, ports = list[float](), 0, set[int]()
        for process in one.processes:
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                since.append(process.create_time())
                memory += process.memory_info().rss
                ports.update(_ports(process))
        began = f"{datetime.fromtimestamp(min(since)).astimezone():%Y-%m-%d %H:%M}" if since else ""
        ports_shown = " ".join(map(str, sorted(ports)))
        note = "stray: the directory is gone" if one.is_stray else ""
        lines.add_row(str(one.directory), began, str(len(one.processes)), decimal(memory), ports_shown, note)
    return lines


def _ports(process: psutil.Process) -> Iterator[int]:
    for connection in process.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr:
            yield connection.laddr.port
