"""Small HTTP servers in the place of nodes, for tests without a cluster."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from dataclasses import dataclass, field
from typing import Self


@dataclass
class Node:
    """A node with one port, in a thread of its own; use it as a context manager.

    Attributes:
        name: What it says that it is.
        address: Where it listens, one of loopback's.
        port: TCP port; 0 for a free one.
        status: What it answers to each request.
        delay: Seconds before an answer.
        connections: How many were made to it.
        requests: Heads of the requests that came.
    """

    name: str
    address: str
    port: int = 0
    status: str = "200 OK"
    delay: float = 0.0
    connections: int = 0
    requests: list[str] = field(default_factory=list[str])

    def __enter__(self) -> Self:
        listening = socket.create_server((self.address, self.port), backlog=1024)
        self.port = listening.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, args=(listening,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _serve(self, listening: socket.socket) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_server(self._answer, sock=listening))
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(asyncio.sleep(0))
        listening.close()
        self._loop.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
                await asyncio.sleep(self.delay)
                body = json.dumps({"pod": self.name})
                writer.write(f"HTTP/1.1 {self.status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        except (asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            pass  # the other end, or this server, is gone
        finally:
            writer.close()
