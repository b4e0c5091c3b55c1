"""A port that nobody listens on."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A free port of 127.0.0.1, at this moment."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
