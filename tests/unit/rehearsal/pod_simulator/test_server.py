"""Real connections to a pod's server, from its start to its end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any

import pytest

from rehearsal.demo_images import Fault
from rehearsal.pod_simulator.client import Client
from rehearsal.pod_simulator.cluster import Cluster
from rehearsal.pod_simulator.server import Connection
from tests.unit.rehearsal.pod_simulator import example
from tests.unit.rehearsal.pod_simulator.example import NOW

LOOPBACK = "127.0.0.1"


def in_a_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Runs a test that waits."""

    @wraps(test)
    def run() -> None:
        asyncio.run(asyncio.wait_for(test(), 30))

    return run


@dataclass
class Line:
    """A client's connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, target: str = "/", method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Sends a request and reads its answer: status, headers, body."""
        self.send(target, method, **headers)
        return await self.answer(method)

    def send(self, target: str = "/", method: str = "GET", **headers: str) -> None:
        """Sends a request."""
        lines = [f"{method} {target} HTTP/1.1", "Host: api", *(f"{name}: {value}" for name, value in headers.items())]
        self.writer.write("\r\n".join([*lines, "", ""]).encode())

    async def answer(self, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        """Reads an answer."""
        first, *rest = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(one.split(": ", 1) for one in rest if one)
        length = 0 if method == "HEAD" else int(headers["Content-Length"])
        return int(first.split()[1]), headers, await self.reader.readexactly(length)

    async def has_ended(self) -> bool:
        """Whether the server ended the connection without another word."""
        return await self.reader.read() == b""


class World:
    """A pod simulator on a free port of loopback."""

    def __init__(self) -> None:
        self.now = NOW
        self.cluster = Cluster(lambda: self.now)
        self.port = 0

    def has(self, **options: Any) -> None:
        """A pod at the pod simulator's address."""
        self.cluster.set_pod(("dev", "api-blue-1"), example.pod(port=self.port, **options))

    async def connect(self) -> Line:
        """A new connection."""
        return Line(*await asyncio.open_connection(LOOPBACK, self.port))

    async def is_refused(self) -> bool:
        """Whether a new connection is refused or reset."""
        try:
            line = await self.connect()
            await line.ask()
        except ConnectionResetError:
            return True
        return False


@asynccontextmanager
async def pod_simulator(kind: type[Connection] = Connection) -> AsyncGenerator[World]:
    """Runs a pod simulator."""
    world = World()
    client = Client(world.cluster)
    server = await asyncio.get_running_loop().create_server(lambda: kind(world.cluster, client), LOOPBACK, 0)
    world.port = server.sockets[0].getsockname()[1]
    try:
        yield world
    finally:
        server.close()


@in_a_loop
async def test_the_pod_that_is_called_answers_request_after_request() -> None:
    async with pod_simulator() as world:
        world.has(version="v3")
        line = await world.connect()
        for _ in range(3):
            status, headers, body = await line.ask("/api/x", Accept="application/json")
            assert (status, headers["Connection"]) == (200, "keep-alive")
            assert json.loads(body)["version"] == "v3"


@in_a_loop
async def test_who_asks_once_gets_a_whole_answer_and_the_end_of_the_connection() -> None:
    async with pod_simulator() as world:
        world.has()
        line = await world.connect()
        status, headers, body = await line.ask("/?once")
        assert (status, headers["Connection"]) == (200, "close")
        assert json.loads(body)["pod"]
        assert await line.has_ended()


@in_a_loop
async def test_a_request_in_pieces_with_a_body_is_one_and_several_at_once_are_answered_in_order() -> None:
    async with pod_simulator() as world:
        world.has()
        line = await world.connect()
        for piece in ("POST /a?sle", "ep=0.05 HTTP/1.1\r\nHost: a\r\nContent-Le", "ngth: 4\r\n\r\nab", "cd"):
            line.writer.write(piece.encode())
            await asyncio.sleep(0.01)
        line.send("/?sleep=-1")
        line.send("/")
        assert [(await line.answer())[0] for _ in range(3)] == [200, 400, 200]
        status, headers, body = await line.ask(method="HEAD")
        assert (status, body) == (200, b"")
        assert int(headers["Content-Length"]) > 0
        assert (await line.ask())[0] == 200, "no body came that is not read"


@in_a_loop
async def test_what_is_no_http_is_refused() -> None:
    async with pod_simulator() as world:
        world.has()
        line = await world.connect()
        line.writer.write(b"hello\r\n\r\n")
        assert (await line.answer())[0] == 400
        assert await line.has_ended()


@in_a_loop
async def test_a_pod_that_has_not_started_refuses() -> None:
    async with pod_simulator() as world:
        assert await world.is_refused(), "no pod has this address"
        world.has(state="waiting")
        assert await world.is_refused()
        world.has()
        assert (await (await world.connect()).ask())[0] == 200


@in_a_loop
async def test_an_ending_pod_goes_on_through_its_sleep_and_then_ends_connections_without_losing_a_request() -> None:
    async with pod_simulator() as world:
        world.has()
        idle, running, pooled = await world.connect(), await world.connect(), await world.connect()
        for line in (idle, running, pooled):
            await line.ask()
        world.has(deleted=NOW, sleep=10, grace=45)
        running.send("/?sleep=0.3")
        status, headers, _ = await pooled.ask()
        assert (status, headers["Connection"]) == (200, "keep-alive"), "the preStop sleep"
        assert (await (await world.connect()).ask())[0] == 200, "new connections, too"

        world.now = NOW + 10
        assert await world.is_refused(), "it got SIGTERM"
        status, headers, _ = await pooled.ask()
        assert (status, headers["Connection"]) == (200, "close")
        assert await pooled.has_ended()
        status, headers, _ = await running.answer()
        assert (status, headers["Connection"]) == (200, "close"), "a running request finishes"
        assert await running.has_ended()
        world.now = NOW + 14.9
        assert world.cluster.ended() == [], "a connection is open"
        await asyncio.sleep(0.05)
        assert world.cluster.ended() == [], "and stays so"

        world.now = NOW + 15
        world.cluster.ended()
        assert await idle.has_ended(), "nobody has used it since SIGTERM"
        assert [one.name for one in world.cluster.ended()] == ["api-blue-1"]


@in_a_loop
async def test_a_connection_with_a_request_under_way_is_not_idle() -> None:
    async with pod_simulator() as world:
        world.has()
        half, running = await world.connect(), await world.connect()
        half.writer.write(b"GET / HT")
        running.send("/?sleep=0.2")
        await asyncio.sleep(0.05)
        world.has(deleted=NOW, sleep=10, grace=45)
        world.now = NOW + 40
        assert world.cluster.ended() == []
        half.writer.write(b"TP/1.1\r\n\r\n")
        assert (await half.answer())[0] == (await running.answer())[0] == 200


@in_a_loop
async def test_a_request_that_outlives_the_grace_period_is_cut() -> None:
    async with pod_simulator() as world:
        world.has()
        line = await world.connect()
        line.send("/?sleep=20")
        await asyncio.sleep(0.05)
        world.has(deleted=NOW, sleep=10, grace=45)
        world.now = NOW + 45
        assert world.cluster.ended()
        with pytest.raises(ConnectionResetError):
            await line.reader.read()


@in_a_loop
async def test_a_version_that_holds_connections_keeps_them_until_it_is_killed() -> None:
    async with pod_simulator() as world:
        world.has(fault=Fault.HOLDS_CONNECTIONS)
        line = await world.connect()
        await line.ask()
        world.has(fault=Fault.HOLDS_CONNECTIONS, deleted=NOW, sleep=10, grace=45)
        world.now = NOW + 44
        assert world.cluster.ended() == []
        assert (await line.ask())[1]["Connection"] == "keep-alive"
        world.now = NOW + 45
        assert world.cluster.ended()
        assert await line.has_ended()


@in_a_loop
async def test_a_service_calls_another_one_over_a_connection_that_it_keeps() -> None:
    async with pod_simulator() as world:
        world.has()
        world.cluster.set_service(("dev", "api"), example.service(address=LOOPBACK))
        line = await world.connect()
        owner = world.cluster.at(LOOPBACK, world.port)
        assert owner
        for _ in range(3):
            status, _, body = await line.ask(f"/?call=http://api:{world.port}/x")
            assert (status, json.loads(body)["called"]["answer"]["pod"]) == (200, "api-blue-1")
            assert len(owner.calls[LOOPBACK, world.port]) == 1
        assert len(owner.connections) == 2, "the line, and the one kept connection"

        world.has(deleted=NOW, sleep=10, grace=45)
        world.now = NOW + 10
        status, _, _ = await line.ask(f"/?call=http://api:{world.port}/x")
        assert status == 200
        assert not owner.calls[LOOPBACK, world.port], "it was told to close it"


@in_a_loop
async def test_a_call_without_an_answer_is_a_bad_gateway_that_says_why() -> None:
    async with pod_simulator() as world:
        world.has()
        world.cluster.set_service(("dev", "api"), example.service(address=LOOPBACK))
        line = await world.connect()
        for url, why in (
            ("http://ai:8085/", "names no Service"),
            ("ftp://api:8085/", "names no Service"),
            ("http://api:99999/", "no port"),
            ("http://api:1/", "ConnectionRefusedError"),
        ):
            status, _, body = await line.ask(f"/?call={url}")
            assert status == 502
            assert why in json.loads(body)["called"]["answer"]
