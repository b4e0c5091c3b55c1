"""Ports of this machine's loopback for programs that run in a network namespace.

A listening socket belongs to the network namespace in which it was created. The parent process creates it outside, and
the program inherits it.
"""

from __future__ import annotations

import socket
from collections.abc import Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager

from rehearsal import ports

_VARIABLE = "HOST_PORT_"


@contextmanager
def listening(numbers: Iterable[int], *, program: str) -> Generator[dict[int, socket.socket]]:
    """Listening sockets by port for a program to inherit, closed at the end of the context.

    Raises:
        RehearsalError: A port is in use.
    """
    with ExitStack() as stack:
        sockets: dict[int, socket.socket] = {}
        for port in numbers:
            ports.check_free(port, program=program)
            sockets[port] = stack.enter_context(socket.create_server((ports.LOOPBACK, port), backlog=1024))
        yield sockets


def variable(port: int) -> str:
    """Name of the environment variable with the file descriptor of a port's socket: `HOST_PORT_<port>`."""
    return f"{_VARIABLE}{port}"


def variables(sockets: Mapping[int, socket.socket]) -> dict[str, str]:
    """Environment variables with the sockets' file descriptors."""
    return {variable(port): str(listener.fileno()) for port, listener in sockets.items()}


def inherited(environment: Mapping[str, str]) -> dict[int, socket.socket]:
    """The sockets by port that a program has inherited, from its environment variables."""
    return {
        int(name.removeprefix(_VARIABLE)): socket.socket(fileno=int(descriptor))
        for name, descriptor in environment.items()
        if name.startswith(_VARIABLE)
    }
