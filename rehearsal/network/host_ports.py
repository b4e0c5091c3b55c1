"""Ports of this machine's loopback for programs that run in another network.

A listening socket stays in the network where it was made, whoever accepts from it: so the starter makes it outside, and
the program inherits it.
"""

from __future__ import annotations

import socket
from collections.abc import Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager

from rehearsal import ports

_VARIABLE = "HOST_PORT_"


@contextmanager
def listening(wanted: Iterable[int], *, program: str) -> Generator[dict[int, socket.socket]]:
    """Sockets that listen on these ports while they are passed on.

    Args:
        wanted: The ports.
        program: Who gets them, for the message.

    Raises:
        RehearsalError: Something else listens on one of them.
    """
    with ExitStack() as stack:
        sockets: dict[int, socket.socket] = {}
        for port in wanted:
            ports.check_free(port, program=program)
            sockets[port] = stack.enter_context(socket.create_server((ports.LOOPBACK, port), backlog=1024))
        yield sockets


def variable(port: int) -> str:
    """Name of the variable with the file descriptor of the socket that listens on a port."""
    return f"{_VARIABLE}{port}"


def variables(sockets: Mapping[int, socket.socket]) -> dict[str, str]:
    """What tells the program which file descriptor listens on which port: `HOST_PORT_<port>`."""
    return {variable(port): str(one.fileno()) for port, one in sockets.items()}


def inherited(environment: Mapping[str, str]) -> dict[int, socket.socket]:
    """The program's own view of them: its listening sockets by port.

    Args:
        environment: The program's variables.
    """
    return {
        int(name.removeprefix(_VARIABLE)): socket.socket(fileno=int(descriptor))
        for name, descriptor in environment.items()
        if name.startswith(_VARIABLE)
    }
