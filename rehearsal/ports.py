"""TCP ports of a rehearsal's programs, chosen once: kubeconfigs and the engine's state contain them."""

from __future__ import annotations

import json
import random
import socket
from dataclasses import dataclass, fields
from pathlib import Path

import psutil

from rehearsal.errors import RehearsalError

LOOPBACK = "127.0.0.1"

RANGE = range(20000, 30000)
"""Below the systems' ephemeral ports, and below Kubernetes' NodePorts (30000-32767)."""


@dataclass(frozen=True)
class Ports:
    """TCP ports on loopback."""

    etcd: int
    etcd_peer: int
    api_server: int
    controller_manager: int
    scheduler: int
    kwok: int
    kube_proxy: int
    front_door: int
    front_door_outside: int
    aws: int


def ensure(file: Path) -> Ports:
    """The ports in a file; missing ones are chosen from the free ports and written to it.

    The choice follows from the file's path: a rehearsal that was taken down comes up on the same ports, unless one is
    taken.
    """
    named: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    names = [field.name for field in fields(Ports)]
    if not named.keys() >= set(names):
        candidates = random.Random(str(file)).sample(RANGE, len(RANGE))  # noqa: S311 - not for cryptography
        free = (port for port in candidates if port not in named.values() and is_free(port))
        named = {name: named.get(name) or next(free) for name in names}
        draft = file.with_name(f"{file.name}.draft")
        draft.write_text(json.dumps(named, indent=2) + "\n")
        draft.replace(file)
    return Ports(**{name: named[name] for name in names})


def is_free(port: int) -> bool:
    """Whether a server can listen on this port of loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        # As servers do: otherwise closed connections of an earlier server (TIME_WAIT) hold the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
            listener.listen()
        except OSError:
            return False
        return True


def check_free(port: int, *, program: str) -> None:
    """Checks that a port is free.

    Raises:
        RehearsalError: Another program listens on it; the message has its name where the system shows it.
    """
    if not is_free(port):
        raise RehearsalError(
            f"Port {port}, which this rehearsal's {program} listens on, is taken by {_holder(port)}.",
            remedy="end that program and run the command again. The port cannot change: the stack's state names it.",
        )


def _holder(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp4"):
            listens = connection.status == psutil.CONN_LISTEN
            if listens and connection.laddr and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        pass  # some systems show other users' connections only to root
    return "another program"
