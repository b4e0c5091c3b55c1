"""A strict load generator: each request with its answer or its failure.

No request is repeated, and anything but a complete answer with status 200 is a failure. A connection that the server
closes between two requests is no failure: HTTP allows it (RFC 9112, 9.5).
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
"""Time-out of a request."""

PAUSE = 0.1
"""Seconds between an answer and the next request on the same connection.

Ten requests a second and connection show a switch as well as a hundred do, and leave the machine to what is tested.
"""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_POD = re.compile(rb'"pod": "([^"]*)"')
_OK = b"200"
_COUNT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer. Times are those of the monotonic clock, in seconds.

    Attributes:
        connected: When its connection was opened.
        sent: When the request was sent.
        answered: When the answer was complete.
        by: The pod that answered; if it called another one, that one.
    """

    connected: float
    sent: float
    answered: float
    by: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A request without a complete, good answer.

    Attributes:
        connected: When its connection was opened.
        sent: When the request was sent.
        failed: When the failure was noticed.
        kind: Status line or error.
    """

    connected: float
    sent: float
    failed: float
    kind: str


@dataclass
class ClientLog:
    """The answers and failures of one client.

    Attributes:
        answers: Answers in order of arrival.
        failures: Failures in order.
        connections: Number of connections that were opened.
    """

    answers: list[Answer] = field(default_factory=list[Answer])
    failures: list[Failure] = field(default_factory=list[Failure])
    connections: int = 0


@dataclass(frozen=True)
class Load:
    """The requests of a client.

    Attributes:
        address: Address of the server.
        port: TCP port of the server.
        host: The Host header.
        path: The path.
        at_once: Number of concurrent requests.
        reuse: Whether connections are kept alive.
        pause: Seconds between an answer and the next request on the same connection.
        source: Local address; None for any.
    """

    address: str
    port: int
    host: str
    path: str = "/"
    at_once: int = 1
    reuse: bool = True
    pause: float = PAUSE
    source: str | None = None


async def run(load: Load, log: ClientLog, until: asyncio.Event) -> None:
    """Sends requests until an event is set; those under way are awaited."""
    await asyncio.gather(*(_keep_asking(load, log, until) for _ in range(load.at_once)))


async def _keep_asking(load: Load, log: ClientLog, until: asyncio.Event) -> None:
    close = "" if load.reuse else "Connection: close\r\n"
    request = f"GET {load.path} HTTP/1.1\r\nHost: {load.host}\r\n{close}\r\n".encode()
    connection: _Connection | None = None
    while not until.is_set():
        if connection is None or connection.is_over:
            connection = _Connection(load)
            log.connections += 1
        try:
            answer = await asyncio.wait_for(connection.ask(request), ANSWER_SECONDS)
            by = _POD.findall(answer)
            if answer[9:12] != _OK or not by:
                raise EOFError(answer[9:].split(b"\r\n", 1)[0].decode(errors="replace"))  # noqa: TRY301 - as any other
            pod = sys.intern(by[-1].decode())
            log.answers.append(Answer(connection.began, connection.sent, time.monotonic(), pod))
        except (OSError, EOFError, TimeoutError) as error:
            kind = str(error) or type(error).__name__
            log.failures.append(Failure(connection.began, connection.sent, time.monotonic(), kind))
            connection.close()
        if not load.reuse:
            connection.close()
        if load.pause:
            await asyncio.sleep(load.pause)


class _Connection(asyncio.Protocol):
    """One connection, without asyncio's streams, which take three times as long."""

    def __init__(self, load: Load) -> None:
        self.began = self.sent = time.monotonic()
        self.is_over = False
        self._load = load
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[bytes] | None = None

    async def ask(self, request: bytes) -> bytes:
        """Sends a request, and returns the complete answer.

        Raises:
            EOFError: The connection was closed before the answer was complete.
            OSError: The connection failed.
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
    """A client in a process of its own, perhaps in a network namespace; a context manager.

    Args:
        load: Its requests.
        place: Prefix of its command, e.g. one that enters a network namespace.
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
        self._log: ClientLog | None = None

    def __enter__(self) -> Self:
        """Waits until it asks: a busy machine takes seconds to start a process."""
        while not self._count.exists() and self._process.poll() is None:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def answers(self) -> int:
        """Number of answers so far, at most a second old."""
        return int(self._count.read_text()) if self._count.exists() else 0

    def end(self) -> ClientLog:
        """Ends the client after the requests that are under way, and returns its log."""
        if self._log is None:
            output, _ = self._process.communicate(timeout=2 * ANSWER_SECONDS)
            log: ClientLog = pickle.loads(output)  # noqa: S301 - our own
            self._log = log
            self._folder.cleanup()
        return self._log


def main(load: Load, count: str) -> None:
    """Sends requests until standard input ends, then writes the log to standard output.

    Args:
        load: The requests.
        count: File for the number of answers, which is updated regularly.
    """
    gc.disable()  # a collection would walk through the growing log, and look like a slow answer

    async def write_count(log: ClientLog, end: asyncio.Event) -> None:
        while not end.is_set():
            _put(Path(count), len(log.answers))
            await asyncio.sleep(_COUNT_SECONDS)

    async def until_end() -> ClientLog:
        end, log = asyncio.Event(), ClientLog()
        asyncio.get_running_loop().run_in_executor(None, sys.stdin.read).add_done_callback(lambda _: end.set())
        await asyncio.gather(write_count(log, end), run(load, log, end))
        return log

    sys.stdout.buffer.write(pickle.dumps(asyncio.run(until_end())))


def _put(file: Path, number: int) -> None:
    draft = file.with_suffix(".draft")
    draft.write_text(str(number))
    draft.replace(file)
