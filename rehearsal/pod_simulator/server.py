"""HTTP/1.1 server over asyncio; a connection belongs to the pod whose address it was made to."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TypeAlias, cast

import httptools

from rehearsal.demo_images import Fault
from rehearsal.pod_simulator.answers import Answer, answer
from rehearsal.pod_simulator.cluster import Cluster, Running
from rehearsal.pod_simulator.pods import Phase

Call: TypeAlias = Callable[[Running, str], Awaitable[tuple[int | None, object]]]
"""Calls a URL on behalf of a pod (`client.Client`)."""

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of zero seconds, by which the peer gets a reset, as from a port without a listener (socket(7))."""


@dataclass
class _Request:
    """A request."""

    target: str = ""
    method: str = "GET"
    accept: str = ""
    keeps_alive: bool = True


class Connection(asyncio.Protocol):
    """A connection to a pod.

    Attributes:
        idle_since: When it became idle, in seconds since 1970; None during a request.
    """

    def __init__(self, cluster: Cluster, call: Call) -> None:
        self.cluster = cluster
        self.idle_since: float | None = cluster.now()
        self._call = call
        self._owner: Running | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._request = _Request()
        self._waiting: deque[_Request] = deque()
        self._work: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Assigns the connection to its pod, or resets it if the pod accepts none."""
        self._transport = cast("asyncio.Transport", transport)
        address, port = transport.get_extra_info("sockname")[:2]
        owner = self.cluster.at(address, port)
        if owner is None:
            sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S.%f}: {self.cluster.refusal(address, port)}\n")
            self.reset()
        else:
            self._owner = owner
            owner.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Removes the connection from its pod, and cancels its request."""
        if self._owner is not None:
            self._owner.connections.discard(self)
        if self._work is not None:
            self._work.cancel()

    def reset(self) -> None:
        """Ends the connection with a reset."""
        raw: socket.socket = self._transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    def cut(self) -> None:
        """Ends the connection as the end of the pod's process does: by a reset during a request."""
        if self._work is None:
            self._transport.close()
        else:
            self.reset()

    def data_received(self, data: bytes) -> None:
        """Parses requests."""
        self.idle_since = None
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._transport.close()
        except httptools.HttpParserError as error:
            self._write(Answer(HTTPStatus.BAD_REQUEST, {"error": str(error)}), _Request(keeps_alive=False))

    def on_message_begin(self) -> None:
        """Parser callback: a request begins."""
        self._request = _Request()

    def on_url(self, url: bytes) -> None:
        """Parser callback: a part of the request's target."""
        self._request.target += url.decode(errors="replace")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Parser callback: a header of the request."""
        if name.lower() == b"accept":
            self._request.accept = value.decode(errors="replace")

    def on_message_complete(self) -> None:
        """Parser callback: the request is complete. It is answered after those before it."""
        self._request.method = self._parser.get_method().decode()
        self._request.keeps_alive = self._parser.should_keep_alive()
        self._waiting.append(self._request)
        self._answer_waiting()

    def _answer_waiting(self) -> None:
        """Answers the waiting requests in order; one that takes time becomes a task, which the others wait for."""
        owner = self._owner
        while owner and self._waiting and self._work is None and not self._transport.is_closing():
            request = self._waiting.popleft()
            response = answer(owner.pod, request.target, request.accept, owner.answered)
            owner.answered += 1
            if response.after or response.call:
                self._work = asyncio.get_running_loop().create_task(self._write_later(response, request, owner))
            else:
                self._write(response, request)

    async def _write_later(self, response: Answer, request: _Request, owner: Running) -> None:
        await asyncio.sleep(response.after)
        if response.call:
            response = response.with_call(*await self._call(owner, response.call))
        self._work = None
        self._write(response, request)
        self._answer_waiting()

    def _write(self, response: Answer, request: _Request) -> None:
        body = response.body()
        stays = request.keeps_alive and not response.is_last and not self._is_ending()
        head = (
            f"HTTP/1.1 {response.status.value} {response.status.phrase}\r\n"
            f"Content-Type: {response.content_type}\r\n"
            f"Content-Length: {len(body)}\r\n"
            "Cache-Control: no-store\r\n"
            f"Connection: {'keep-alive' if stays else 'close'}\r\n\r\n"
        ).encode()
        self._transport.write(head if request.method == "HEAD" else head + body)
        self.idle_since = None if self._waiting else self.cluster.now()
        if not stays:
            self._waiting.clear()
            self._transport.close()

    def _is_ending(self) -> bool:
        owner = self._owner
        if owner is None or owner.pod.fault is Fault.HOLDS_CONNECTIONS:
            return False
        return self.cluster.phase(owner) is not Phase.SERVING
