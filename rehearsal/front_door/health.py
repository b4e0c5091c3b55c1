"""Health of targets: HAProxy's view by its stats socket, and its transfer to a new worker.

https://docs.haproxy.org/2.6/management.html#9.3
"""

from __future__ import annotations

import csv
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

SOCKET = "haproxy.sock"
STATES = "states"
"""Name of the server state file in the front door's folder, as `SOCKET`."""


def ask(folder: Path, command: str) -> str:
    """HAProxy's response to a command; empty if it does not run."""
    if not folder.exists():
        return ""
    # By file descriptor: the path may be too long for a Unix socket's address.
    number = os.open(folder, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(5)
            one.connect(f"/proc/self/fd/{number}/{SOCKET}")
            one.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: one.recv(65536), b"")).decode()
    except OSError:
        return ""
    finally:
        os.close(number)


def states(configuration: str, said: str) -> str:
    """A new worker's server state file: known targets keep their state, new ones need one good check.

    `said` is the old worker's response to `show servers state`.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
    """
    known = {tuple(line.split()[1:4:2]): line for line in said.splitlines() if line[:1].isdigit() and " " in line}
    return "\n".join(["1", *(known.get(key, line) for key, line in _initial(configuration)), ""])


def unhealthy(folder: Path) -> list[str]:
    """Targets that get no requests: `TARGET GROUP: TARGET: STATUS`, with the result of the last check."""
    rows = csv.DictReader(ask(folder, "show stat").removeprefix("# ").splitlines())
    return [
        " ".join(
            filter(None, (f"{row['pxname']}: {row['svname']}: {row['status']}", row["check_status"], row["last_chk"]))
        )
        for row in rows
        if row["svname"] not in {"FRONTEND", "BACKEND"} and not re.match("UP|no check", row["status"])
    ]


def _initial(configuration: str) -> Iterator[tuple[tuple[str, str], str]]:
    """Each checked server's key (backend, name), and its state line: down, and up after one good check."""
    for section in configuration.split("\nbackend ")[1:]:
        group, rise = section.split(maxsplit=1)[0], re.search(r" rise (\d+) ", section)
        for name, address, port in re.findall(r"^  server (\S+) ([\d.]+):(\d+).* check", section, re.MULTILINE):
            good = int(rise[1]) - 1 if rise else 0
            yield (group, name), f"0 {group} 0 {name} {address} 0 0 1 1 0 1 0 {good} 6 0 0 0 - {port} - 0 0 - - 0"
