"""A small HTTP server of the tests: one function answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Request:
    """What was asked.

    Attributes:
        method: E.g. `GET`.
        path: With its query.
        headers: Their names in any case.
        body: Empty where there was none.
    """

    method: str
    path: str
    headers: Message[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What is answered.

    Attributes:
        status: HTTP status.
        body: The content; or its chunks, each sent as it comes.
        kind: Its Content-Type.
    """

    status: int
    body: bytes | Iterator[bytes]
    kind: str = "text/plain"


@contextmanager
def answering(answer: Callable[[Request], Answer], at: tuple[str, int] = ("127.0.0.1", 0)) -> Generator[str]:
    """A server on a free port of this machine, or where it is told; yields its `http://` address without a path."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            told = answer(Request(self.command, self.path, self.headers, body))
            if not isinstance(told.body, bytes):
                self.protocol_version = "HTTP/1.1"
            self.send_response(told.status)
            self.send_header("Content-Type", told.kind)
            if isinstance(told.body, bytes):
                self.send_header("Content-Length", str(len(told.body)))
                self.end_headers()
                self.wfile.write(told.body)
                return
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            with suppress(OSError):  # the client has left
                for chunk in told.body:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                self.wfile.write(b"0\r\n\r\n")
            self.close_connection = True

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - names of `http.server`

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

    server = ThreadingHTTPServer(at, Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{at[0]}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
