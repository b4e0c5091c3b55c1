"""Helpers in a rehearsal's network: pods that answer, and requests to them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, Self, cast

from rehearsal.layout import CHECKOUT
from rehearsal.network.enter import enter

PORT = 9999
"""Where pods listen. They do not say so, and what answers for pods that do leaves it alone."""

SECONDS = 2.0
"""After so long without an answer there is none."""


@dataclass(frozen=True)
class Network:
    """A process in a rehearsal's network: whichever address is called on `PORT`, it answers as the pod of that address.

    Args:
        process: The process.
    """

    process: subprocess.Popen[str]

    @classmethod
    def of(cls, holder: int) -> Self:
        """Starts one in the network of a process."""
        return cls(
            subprocess.Popen(
                [*enter(holder), sys.executable, "-m", "tests.rehearsal.inside"],
                cwd=CHECKOUT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )

    def ask(self, address: str, port: int | str, times: int = 1) -> Counter[str]:
        """Asks, each time over a connection of its own.

        Args:
            address: Whom.
            port: Its port; a path may follow.
            times: How often.

        Returns:
            How often which pod answered, by its address; those that nobody answered count under the empty string.
        """
        into, out = cast("IO[str]", self.process.stdin), cast("IO[str]", self.process.stdout)
        into.write(json.dumps([f"http://{address}:{port}", times]) + "\n")
        into.flush()
        return Counter(json.loads(out.readline()))

    def end(self) -> None:
        """Ends it."""
        self.process.kill()
        self.process.communicate()


class _Pod(BaseHTTPRequestHandler):
    """Answers with the address that was called."""

    def do_GET(self) -> None:
        body = str(self.connection.getsockname()[0]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
        pass


def answer(url: str) -> str:
    """The answer's body; empty where there is none."""
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 - ours
            return answer.read().decode()
    except (OSError, urllib.error.URLError):
        return ""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("0.0.0.0", PORT), _Pod)  # noqa: S104 - in a network of its own
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for line in sys.stdin:
        url, times = json.loads(line)
        sys.stdout.write(json.dumps([answer(url) for _ in range(times)]) + "\n")
        sys.stdout.flush()
