"""A small HTTP server that answers for every service: what a container would, where none runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from release.http import ThroughUrl

GOOD = (200, "ok")


@dataclass
class Web:
    """Answers to `/ENVIRONMENT/SERVICE/…`.

    Attributes:
        answers: What a Service answers, by `ENVIRONMENT/SERVICE`, each time that it is asked; `GOOD` for others.
        asked: Every path that was asked for.
    """

    answers: dict[str, Callable[[], tuple[int, str]]] = field(default_factory=dict[str, Callable[[], tuple[int, str]]])
    asked: list[str] = field(default_factory=list[str])

    def __enter__(self) -> Self:
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.asked.append(self.path)
                service = "/".join(self.path.split("/")[1:3])
                status, body = web.answers.get(service, lambda: GOOD)()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def pattern(self) -> str:
        """For `--through`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/{{environment}}/{{service}}"

    def caller(self) -> ThroughUrl:
        """The tool's way to it."""
        return ThroughUrl(self.pattern)
