"""A connection outside reaches the same port inside: complete, in both directions, until either side closes it.

No namespace is needed here: the relay's own sockets stand for those outside, on other ports than the servers' inside.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Generator

import pytest

from rehearsal.network.relay import relay
from rehearsal.ports import LOOPBACK

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
BIG = bytes(range(256)) * 40_000
"""More than all buffers on the way hold."""


@pytest.fixture
def outside() -> Generator[socket.socket]:
    with socket.create_server((LOOPBACK, 0)) as listening:
        yield listening


def through_the_relay(outside: socket.socket, serve: Serve | None, client: Serve) -> None:
    """Runs a server, or none, inside, the relay, and a client outside."""

    async def run() -> None:
        with socket.create_server((LOOPBACK, 0)) as inside:
            port = inside.getsockname()[1]
            if serve is None:
                inside.close()
            server = await asyncio.start_server(serve, sock=inside) if serve else None
            relaying = asyncio.create_task(relay({port: outside}))
            try:
                await asyncio.wait_for(client(*await asyncio.open_connection(*outside.getsockname())), 10)
            finally:
                relaying.cancel()
                if server:
                    server.close()

    asyncio.run(run())


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.read())
    await writer.drain()
    writer.close()


def test_all_of_it_comes_back_and_each_direction_ends_by_itself(outside: socket.socket) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(BIG)
        writer.write_eof()  # the server answers only then
        assert await reader.read() == BIG

    through_the_relay(outside, echo, client)


def test_what_nobody_reads_is_not_taken(outside: socket.socket) -> None:
    async def ignore(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(10)

    async def client(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(_write_on(writer), 2)

    through_the_relay(outside, ignore, client)


async def _write_on(writer: asyncio.StreamWriter) -> None:
    for _ in range(4):
        writer.write(BIG)
        await writer.drain()


def test_a_server_that_goes_away_ends_the_connection(outside: socket.socket) -> None:
    async def leave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async def client(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        assert await reader.read() == b""

    through_the_relay(outside, leave, client)


def test_a_client_that_goes_away_ends_the_servers_connection(outside: socket.socket) -> None:
    gone = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
        finally:
            gone.set()

    async def client(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()
        await gone.wait()

    through_the_relay(outside, wait, client)


def test_a_port_that_nobody_serves_is_closed_at_once(outside: socket.socket) -> None:
    async def client(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        assert await reader.read() == b""

    through_the_relay(outside, None, client)
