"""HTTP client of the simulated pods, with a connection pool for each pod."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit

from rehearsal.pod_simulator.cluster import Cluster, Running, Stream

SECONDS = 60.0
"""Timeout of a call."""


class Client:
    """Calls services on behalf of pods."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def __call__(self, caller: Running, url: str) -> tuple[int | None, object]:
        """Calls `http://SERVICE:PORT/…` from a pod's address, without a retry, so that a lost request shows.

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
                return await self._get(caller, (address, port), parts.netloc, target)
        except (OSError, EOFError, ValueError, KeyError, asyncio.LimitOverrunError) as error:
            return None, f"{type(error).__name__}: {error}"

    async def _get(self, caller: Running, server: tuple[str, int], host: str, target: str) -> tuple[int, object]:
        reader, writer = await self._connection(caller, server)
        try:
            writer.write(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept: application/json\r\n\r\n".encode())
            first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in rest if line)
            body = await reader.readexactly(int(headers["content-length"]))
        except BaseException:
            writer.close()
            raise
        if headers["connection"] == "close":
            writer.close()
        else:
            caller.calls.setdefault(server, []).append((reader, writer))
        return int(first.split()[1]), json.loads(body)

    async def _connection(self, caller: Running, server: tuple[str, int]) -> Stream:
        """The last used connection of the pool that is still open, or a new one."""
        idle = caller.calls.get(server, [])
        while idle:
            reader, writer = idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        source = caller.pod.address or "0.0.0.0"  # noqa: S104
        return await asyncio.open_connection(*server, local_addr=(source, 0))
