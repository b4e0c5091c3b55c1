"""HTTP client of the simulated pods, with a connection pool for each pod."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from rehearsal.pod_simulator.cluster import Cluster, Running

SECONDS = 60.0
"""Timeout of a call."""


@dataclass
class _Line:
    """A connection of the pool."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def is_open(self) -> bool:
        return not self.reader.at_eof() and not self.writer.is_closing()

    def close(self) -> None:
        self.writer.close()


class Client:
    """Calls services on behalf of pods."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def __call__(self, caller: Running, url: str) -> tuple[int | None, object]:
        """Calls a service, without a retry, so that a lost request shows.

        Args:
            caller: The calling pod, whose address is the source address.
            url: `http://SERVICE:PORT/…`.

        Returns:
            HTTP status and JSON body; None and the error without a response.
        """
        parts = urlsplit(url)
        try:
            port = parts.port or 80
        except ValueError:
            return None, f"{url} has no port from 0 to 65535"
        address = self._cluster.address_of(parts.hostname or "", caller.pod.namespace)
        if parts.scheme != "http" or not address:
            return None, f"{url} names no Service of this cluster over http"
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            async with asyncio.timeout(SECONDS):
                return await self._ask(caller, (address, port), parts.netloc, target)
        except (OSError, EOFError, ValueError, KeyError, asyncio.LimitOverrunError) as error:
            return None, f"{type(error).__name__}: {error}"

    async def _ask(self, caller: Running, where: tuple[str, int], host: str, target: str) -> tuple[int, object]:
        line = await self._line(caller, where)
        try:
            line.writer.write(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\n\r\n".encode())
            first, *rest = (await line.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(one.lower().split(": ", 1) for one in rest if one)
            body = await line.reader.readexactly(int(headers["content-length"]))
        except BaseException:
            line.close()
            raise
        if headers["connection"] == "close":
            line.close()
        else:
            caller.calls.setdefault(where, []).append(line)
        return int(first.split()[1]), json.loads(body)

    async def _line(self, caller: Running, where: tuple[str, int]) -> _Line:
        """The last used connection of the pool that is still open, or a new one."""
        idle: list[_Line] = caller.calls.get(where, [])
        while idle:
            line = idle.pop()
            if line.is_open():
                return line
            line.close()
        return _Line(*await asyncio.open_connection(*where, local_addr=(caller.pod.address or "0.0.0.0", 0)))  # noqa: S104
