"""Requests without a pause, and what became of each.

A strict client: no request is sent twice, and whatever is not a whole answer with status 200 is a failure, with its
time and kind. A connection that ended between two requests, seen before the next one, is none: HTTP allows it (RFC
9112, 9.5).
"""

from __future__ import annotations

import asyncio
import gc
import pickle
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from rehearsal.layout import CHECKOUT

ANSWER_SECONDS = 30
"""A request without an answer for so long is lost."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_POD = re.compile(rb'"pod": "([^"]*)"')
_OK = b"200"
_TELL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. Times are the machine's monotonic clock, in seconds.

    Attributes:
        connected: When its connection was asked for.
        sent: When the request was sent.
        answered: When the answer was there.
        by: The pod that answered; where that asked another one, the other one.
    """

    connected: float
    sent: float
    answered: float
    by: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A request without a whole, good answer.

    Attributes:
        connected: When its connection was asked for.
        sent: When it was sent.
        failed: When that was known.
        kind: What came instead.
    """

    connected: float
    sent: float
    failed: float
    kind: str


@dataclass
class ServiceState:
    """What a client saw.

    Attributes:
        answers: In the order in which they came.
        failures: Likewise.
        connections: How many were asked for.
    """

    answers: list[Answer] = field(default_factory=list[Answer])
    failures: list[Failure] = field(default_factory=list[Failure])
    connections: int = 0


@dataclass(frozen=True)
class Load:
    """What a client sends.

    Attributes:
        address: Where to.
        port: TCP port.
        host: The Host header.
        path: What is asked for.
        at_once: How many requests are under way at any time.
        reuse: Whether a connection is kept for the next request.
        pause: Seconds between an answer and the next request on the same connection.
        source: Address to come from, if it matters.
    """

    address: str
    port: int
    host: str
    path: str = "/"
    at_once: int = 1
    reuse: bool = True
    pause: float = 0.0
    source: str | None = None


async def run(load: Load, seen: ServiceState, until: asyncio.Event) -> None:
    """Sends requests until told to end; those under way are waited for."""
    await asyncio.gather(*(_keep_asking(load, seen, until) for _ in range(load.at_once)))


async def _keep_asking(load: Load, seen: ServiceState, until: asyncio.Event) -> None:
    close = "" if load.reuse else "Connection: close\r\n"
    request = f"GET {load.path} HTTP/1.1\r\nHost: {load.host}\r\n{close}\r\n".encode()
    connection: _Connection | None = None
    while not until.is_set():
        if connection is None or connection.is_over:
            connection = _Connection(load)
            seen.connections += 1
        try:
            answer = await asyncio.wait_for(connection.ask(request), ANSWER_SECONDS)
            by = _POD.findall(answer)
            if answer[9:12] != _OK or not by:
                raise EOFError(answer[9:].split(b"\r\n", 1)[0].decode(errors="replace"))  # noqa: TRY301 - as any other
            pod = sys.intern(by[-1].decode())
            seen.answers.append(Answer(connection.began, connection.sent, time.monotonic(), pod))
        except (OSError, EOFError, TimeoutError) as error:
            kind = str(error) or type(error).__name__
            seen.failures.append(Failure(connection.began, connection.sent, time.monotonic(), kind))
            connection.close()
        if not load.reuse:
            connection.close()
        if load.pause:
            await asyncio.sleep(load.pause)


class _Connection(asyncio.Protocol):
    """One connection; a protocol of its own, since asyncio's streams cost thrice the time."""

    def __init__(self, load: Load) -> None:
        self.began = self.sent = time.monotonic()
        self.is_over = False
        self._load = load
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[bytes] | None = None

    async def ask(self, request: bytes) -> bytes:
        """The whole answer.

        Raises:
            EOFError: The connection was over before a whole answer.
            OSError: It could not be made, or it broke.
        """
        loop = asyncio.get_running_loop()
        if self._transport is None:
            local = (self._load.source, 0) if self._load.source else None
            await loop.create_connection(lambda: self, self._load.address, self._load.port, local_addr=local)
            assert self._transport is not None
        self._waiting = loop.create_future()
        self.sent = time.monotonic()
        self._transport.write(request)
        return await self._waiting

    def close(self) -> None:
        self.is_over = True
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0 or self._waiting is None or self._waiting.done():
            return
        head = bytes(self._received[: end + 2])
        length = _LENGTH.search(head)
        if length is None:
            self._waiting.set_exception(EOFError("an answer without a length"))
        elif len(self._received) >= (whole := end + 4 + int(length.group(1))):
            self.is_over = self.is_over or _CLOSES.search(head) is not None
            self._waiting.set_result(bytes(self._received[:whole]))
            del self._received[:whole]

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_over = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(exc or EOFError("closed without an answer"))


class Client:
    """A client in a process of its own, perhaps in another network; use it as a context manager.

    Args:
        load: What it sends.
        place: What comes before its command, such as the words that enter a network namespace.
    """

    def __init__(self, load: Load, place: Sequence[str] = ()) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="load-")
        self._count = Path(self._folder.name) / "answers"
        program = f"from tests.traffic.load import main; main({load!r}, {str(self._count)!r})"
        self._process = subprocess.Popen(
            [*place, sys.executable, "-c", f"from tests.traffic.load import Load; {program}"],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._seen: ServiceState | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def answers(self) -> int:
        """How many it has got, up to a second ago."""
        return int(self._count.read_text()) if self._count.exists() else 0

    def end(self) -> ServiceState:
        """What it saw, once the requests that are under way have ended."""
        if self._seen is None:
            told, _ = self._process.communicate(timeout=2 * ANSWER_SECONDS)
            seen: ServiceState = pickle.loads(told)  # noqa: S301 - our own
            self._seen = seen
            self._folder.cleanup()
        return self._seen


def main(load: Load, count: str) -> None:
    """Sends until standard input ends, then writes what was seen to standard output.

    Args:
        load: What it sends.
        count: File for how many answers there are, now and then.
    """
    gc.disable()  # what is kept grows, and a walk through all of it would look like a slow answer

    async def tell(seen: ServiceState, end: asyncio.Event) -> None:
        while not end.is_set():
            _put(Path(count), len(seen.answers))
            await asyncio.sleep(_TELL_SECONDS)

    async def until_told() -> ServiceState:
        end, seen = asyncio.Event(), ServiceState()
        asyncio.get_running_loop().run_in_executor(None, sys.stdin.read).add_done_callback(lambda _: end.set())
        await asyncio.gather(tell(seen, end), run(load, seen, end))
        return seen

    sys.stdout.buffer.write(pickle.dumps(asyncio.run(until_told())))


def _put(file: Path, number: int) -> None:
    draft = file.with_suffix(".draft")
    draft.write_text(str(number))
    draft.replace(file)
