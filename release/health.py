"""HTTP health checks of a program that goes round a loop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def served(port: int, checks: Mapping[str, Callable[[], bool]]) -> Generator[int]:
    """Answers GETs meanwhile: 200 if the check of the path is true, 503 if it is false, 404 without one.

    Args:
        port: TCP port on every address of the machine; 0 for any that is free.
        checks: The check of each path.

    Yields:
        The port.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            check = checks.get(self.path)
            is_good = check is not None and check()
            status = HTTPStatus.OK if is_good else HTTPStatus.SERVICE_UNAVAILABLE if check else HTTPStatus.NOT_FOUND
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that it overrides
            """Logs nothing: a kubelet asks every few seconds."""

    with ThreadingHTTPServer(("", port), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
