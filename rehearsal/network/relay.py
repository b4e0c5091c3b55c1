"""`python -m rehearsal.network.relay`: brings connections from this machine's loopback into the rehearsal's network.

What connects to 127.0.0.1:PORT outside reaches 127.0.0.1:PORT inside, so that a URL is the same on both sides.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from typing import cast

from rehearsal.network import host_ports
from rehearsal.ports import LOOPBACK

_under_way: set[asyncio.Task[None]] = set()
"""Connections that are being made: the loop itself keeps no task alive."""


class _End(asyncio.Protocol):
    """One end of a connection: what comes in here goes out at the other."""

    transport: asyncio.Transport
    other: _End
    has_ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.other.transport.write(data)

    def eof_received(self) -> bool:
        self.has_ended = True
        if self.other.has_ended:
            return False
        self.other.transport.write_eof()
        return True  # the other direction stays open

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.other.transport.close()

    def pause_writing(self) -> None:
        self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        self.other.transport.resume_reading()


class _Outside(_End):
    """The end of the machine's program. Nothing is read of it until there is the other one."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.other = self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.pause_reading()
        task = asyncio.get_running_loop().create_task(self._connect())
        _under_way.add(task)
        task.add_done_callback(_under_way.discard)

    async def _connect(self) -> None:
        inside = _End()
        inside.other = self
        try:
            await asyncio.get_running_loop().create_connection(lambda: inside, LOOPBACK, self._port)
        except OSError:
            self.transport.abort()  # nothing listens there; a connection that was accepted cannot be refused any more
            return
        self.other = inside
        if self.transport.is_closing():
            inside.transport.abort()
        else:
            self.transport.resume_reading()


async def relay(sockets: Mapping[int, socket.socket]) -> None:
    """Relays until it is ended.

    Args:
        sockets: Listening sockets by the port that they lead to.
    """
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(lambda port=port: _Outside(port), sock=listening)
        for port, listening in sockets.items()
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(relay(host_ports.inherited(os.environ)))
