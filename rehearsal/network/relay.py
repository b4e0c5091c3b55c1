"""`python -m rehearsal.network.relay`: forwards TCP connections from this machine's loopback into the namespace.

127.0.0.1:PORT outside leads to 127.0.0.1:PORT inside, so that URLs are the same on both sides.
"""

from __future__ import annotations

import asyncio
import os
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import Mapping
from contextlib import suppress

from rehearsal.network import host_ports
from rehearsal.ports import LOOPBACK

_CHUNK = 256 * 1024


async def relay(sockets: Mapping[int, socket.socket]) -> None:
    """Forwards connections of the listening sockets, by the port inside, until it is cancelled."""

    async def connected(outside: StreamReader, back: StreamWriter, port: int) -> None:
        try:
            inside, forth = await asyncio.open_connection(LOOPBACK, port)
        except OSError:
            back.transport.abort()  # nothing listens on it; an accepted connection can only be reset
            return
        try:
            await asyncio.gather(copy(outside, forth), copy(inside, back))
        except OSError:
            back.transport.abort()
            forth.transport.abort()
        finally:
            back.close()
            forth.close()

    servers = [
        await asyncio.start_server(lambda reader, writer, port=port: connected(reader, writer, port), sock=listening)
        for port, listening in sockets.items()
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


async def copy(reader: StreamReader, writer: StreamWriter) -> None:
    """Copies one direction until it ends; the other one stays open."""
    while chunk := await reader.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()
    if writer.can_write_eof():
        with suppress(OSError):
            writer.write_eof()


if __name__ == "__main__":
    asyncio.run(relay(host_ports.inherited(os.environ)))
