"""`python -m tests.rehearsal.tunnel SOCKET`: leads a test's connections into the network that this runs in.

A Unix socket is a file, and so reaches from one network namespace into another. The first line of a connection says
where it leads: `ADDRESS PORT`.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rehearsal.layout import CHECKOUT
from rehearsal.network.enter import enter


class Connection(http.client.HTTPConnection):
    """A connection to an address in the network at the tunnel's end.

    Args:
        tunnel: The tunnel's socket.
        address: An IP address.
        port: A TCP port.
    """

    def __init__(self, tunnel: Path, address: str, port: int) -> None:
        super().__init__(address, port, timeout=20)
        self._tunnel = tunnel

    def connect(self) -> None:
        """Connects through the tunnel."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(str(self._tunnel))
        self.sock.sendall(f"{self.host} {self.port}\n".encode())

    def ask(self, target: str = "/", **headers: str) -> tuple[int | None, dict[str, Any], bool]:
        """Asks: HTTP status (None without an answer), what the JSON says, whether the connection ends with it."""
        try:
            self.request("GET", target, headers=headers)
            answer = self.getresponse()
            return answer.status, json.loads(answer.read()), answer.will_close
        except (OSError, http.client.HTTPException):
            self.close()
            return None, {}, True

    def has_ended(self, seconds: float) -> bool:
        """Whether the other side ends the connection within some seconds."""
        self.sock.settimeout(seconds)
        try:
            return self.sock.recv(1) == b""
        except TimeoutError:
            return False
        except ConnectionError:
            return True


@contextmanager
def tunnel(holder: int, path: Path) -> Generator[Path]:
    """A tunnel into the network of a process.

    Args:
        holder: The process.
        path: Where its socket shall be; at most 100 characters.
    """
    command = [*enter(holder), sys.executable, "-m", "tests.rehearsal.tunnel", str(path)]
    process = subprocess.Popen(command, cwd=CHECKOUT)
    try:
        while not path.exists():
            assert process.poll() is None
            time.sleep(0.05)
        yield path
    finally:
        process.kill()
        process.wait()


async def _lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    address, port = (await reader.readline()).decode().split()
    try:
        inside_reader, inside_writer = await asyncio.open_connection(address, int(port))
    except OSError:
        writer.close()
        return
    await asyncio.gather(_pass_on(reader, inside_writer), _pass_on(inside_reader, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _serve(path: str) -> None:
    server = await asyncio.start_unix_server(_lead, path)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
