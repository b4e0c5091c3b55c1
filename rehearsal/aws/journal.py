"""A journal of the requests that changed the account: a replay restores the account, with the same ids.

moto keeps its state in memory. The state follows from the order of the requests and from moto's random numbers, which
are seeded for each request that may change something. Creation times and KMS's key material are not restored.
"""

from __future__ import annotations

import base64
import io
import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from moto.moto_api._internal import mock_random  # pyright: ignore[reportMissingTypeStubs]
from werkzeug.test import create_environ, run_wsgi_app
from werkzeug.wrappers import Request, Response

Application: TypeAlias = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

READING = re.compile(r"(Describe|List|Get(?!SessionToken|FederationToken)|Head|BatchGet|Lookup|Search|Decode|Simulate)")
"""Prefixes of the actions that change nothing."""


@dataclass(frozen=True)
class AwsRequest:
    """A request to AWS's API, whatever its protocol: the strings of the WSGI environment, and the whole body."""

    environ: Mapping[str, str]
    body: bytes

    @classmethod
    def of(cls, environ: Mapping[str, Any]) -> AwsRequest:
        """The request of a WSGI environment; reads its body."""
        body = Request(dict(environ)).get_data(cache=False)
        strings = {key: value for key, value in environ.items() if isinstance(value, str)}
        # The body is complete, even if it came in chunks.
        strings.pop("HTTP_TRANSFER_ENCODING", None)
        return cls({**strings, "CONTENT_LENGTH": str(len(body))}, body)

    @property
    def action(self) -> str | None:
        """The action, e.g. `CreateVpc`; None in protocols that express it by method and path."""
        if target := self.environ.get("HTTP_X_AMZ_TARGET"):
            return target.rsplit(".", 1)[-1]
        return self.parameters.get("Action")

    @property
    def scope(self) -> tuple[str, str]:
        """Region and service of the signature; `us-east-1` and `s3` without one."""
        match = re.search(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/", self.environ.get("HTTP_AUTHORIZATION", ""))
        return (match[1], match[2]) if match else ("us-east-1", "s3")

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters in the query protocols."""
        return dict(Request(self.wsgi()).values.items())

    @property
    def reads(self) -> bool:
        """Whether it is read-only."""
        if self.action is not None:
            return READING.match(self.action) is not None
        return self.environ["REQUEST_METHOD"] in {"GET", "HEAD", "OPTIONS"}

    def wsgi(self) -> dict[str, Any]:
        """A WSGI environment, for one use."""
        return create_environ(input_stream=io.BytesIO(self.body), environ_overrides=self.environ)

    def line(self) -> str:
        """The request as a line of the journal."""
        kept = {key: value for key, value in self.environ.items() if not key.startswith(("SERVER_", "REMOTE_"))}
        return json.dumps({"request": kept, "body": base64.b64encode(self.body).decode()}) + "\n"

    @classmethod
    def of_line(cls, line: str) -> AwsRequest:
        """The request of a line of the journal."""
        entry = json.loads(line)
        return cls(entry["request"], base64.b64decode(entry["body"]))


class Journal:
    """WSGI middleware that journals the requests that may change the application's state.

    It handles one request at a time, and writes it to the journal first: a request sent after the journal has grown
    sees the change.

    Args:
        application: The application behind it.
        path: The journal's file; it need not exist.
        prepare: Creates what moto creates at the first request to a service in a region, read-only or not, e.g. the
            default VPC. Its random numbers must not depend on which request came first.
    """

    def __init__(self, application: Application, path: Path, prepare: Callable[[AwsRequest], None]) -> None:
        self._application = application
        self._path = path
        self._prepare = prepare
        self._prepared: set[tuple[str, ...]] = set()
        self._lock = threading.Lock()
        self._number = 0

    def replay(self) -> None:
        """Repeats the journal's requests."""
        if self._path.exists():
            complete, _, partial = self._path.read_text().rpartition("\n")
            if partial:  # the process was killed while it wrote this line; the client has had no response
                self._path.write_text(f"{complete}\n" if complete else "")
            for line in complete.splitlines():
                # A request on which moto failed fails again.
                with suppress(Exception):
                    self._perform(AwsRequest.of_line(line))

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Handles a request, as a WSGI application."""
        request = AwsRequest.of(environ)
        with self._lock:
            if request.reads:
                self._ensure_prepared(request)
                response = self._send(request)
            else:
                with self._path.open("a") as journal:
                    journal.write(request.line())
                response = self._perform(request)
        return response(environ, start_response)

    def _ensure_prepared(self, request: AwsRequest) -> None:
        if request.scope not in self._prepared:
            self._prepared.add(request.scope)
            self._prepare(request)

    def _perform(self, request: AwsRequest) -> Response:
        self._number += 1
        self._ensure_prepared(request)
        mock_random.seed(self._number)
        return self._send(request)

    def _send(self, request: AwsRequest) -> Response:
        body, status, headers = run_wsgi_app(self._application, request.wsgi(), buffered=True)
        return Response(body, status, headers)
