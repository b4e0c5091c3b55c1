"""A pod's own client: connections to other services that are kept and used again, as services' clients do."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from rehearsal.pod_simulator.cluster import Cluster, Running

SECONDS = 60.0
"""How long an answer may take."""


@dataclass
class _Line:
    """A connection to a service."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def is_open(self) -> bool:
        return not self.reader.at_eof() and not self.writer.is_closing()

    def close(self) -> None:
        self.writer.close()


class Client:
    """Asks other services for pods.

    Args:
        cluster: Knows where Services are.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def __call__(self, caller: Running, url: str) -> tuple[int | None, object]:
        """Asks once, never again: a lost request shall be seen.

        Args:
            caller: The pod that asks, from its own address.
            url: `http://SERVICE:PORT/…`.

        Returns:
            HTTP status and what the body says; None and why not where there is no answer.
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
        """The connection that was used last, of those that are open; else a new one."""
        idle: list[_Line] = caller.calls.get(where, [])
        while idle:
            line = idle.pop()
            if line.is_open():
                return line
            line.close()
        return _Line(*await asyncio.open_connection(*where, local_addr=(caller.pod.address or "0.0.0.0", 0)))  # noqa: S104
