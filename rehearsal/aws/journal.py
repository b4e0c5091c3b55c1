"""A journal of what changed the account: whoever replays it has the account again, with the same ids.

moto keeps everything in memory. All that its answers depend on is the order of the requests and its source of random
numbers, which is seeded anew for each request that may change something. Not so are the times at which things were
made, and what KMS encrypts with.
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
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Request, Response

Application: TypeAlias = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

READING = re.compile(r"(Describe|List|Get(?!SessionToken|FederationToken)|Head|BatchGet|Lookup|Search|Decode|Simulate)")
"""How the names of actions begin that change nothing."""


@dataclass(frozen=True)
class AwsRequest:
    """A request to AWS's API, whatever its protocol.

    Attributes:
        environ: Strings of the WSGI environment.
        body: Its body.
    """

    environ: Mapping[str, str]
    body: bytes

    @classmethod
    def of(cls, environ: Mapping[str, Any]) -> AwsRequest:
        """The request of a WSGI environment, whose body is read."""
        body = Request(dict(environ)).get_data(cache=False)
        kept = {key: value for key, value in environ.items() if isinstance(value, str)}
        # The body is whole now, however it came.
        kept.pop("HTTP_TRANSFER_ENCODING", None)
        return cls({**kept, "CONTENT_LENGTH": str(len(body))}, body)

    @property
    def action(self) -> str | None:
        """The action it names, as `CreateVpc`; None where the protocol says it by method and path."""
        if target := self.environ.get("HTTP_X_AMZ_TARGET"):
            return target.rsplit(".", 1)[-1]
        return self.parameters.get("Action")

    @property
    def scope(self) -> tuple[str, str]:
        """The region and the service that it is signed for; one of S3's without a signature."""
        signed = re.search(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/", self.environ.get("HTTP_AUTHORIZATION", ""))
        return (signed[1], signed[2]) if signed else ("us-east-1", "s3")

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of the query protocols."""
        return dict(Request(self.wsgi()).values.items())

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        if self.action is not None:
            return READING.match(self.action) is not None
        return self.environ["REQUEST_METHOD"] in {"GET", "HEAD", "OPTIONS"}

    def wsgi(self) -> dict[str, Any]:
        """A WSGI environment of it, to be used once."""
        return {
            **self.environ,
            "wsgi.input": io.BytesIO(self.body),
            "wsgi.errors": io.StringIO(),
            "wsgi.url_scheme": "http",
            "wsgi.version": (1, 0),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }

    def line(self) -> str:
        """One line of the journal."""
        kept = {key: value for key, value in self.environ.items() if not key.startswith(("SERVER_", "REMOTE_"))}
        return json.dumps({"request": kept, "body": base64.b64encode(self.body).decode()}) + "\n"

    @classmethod
    def of_line(cls, line: str) -> AwsRequest:
        """The request of a line."""
        entry = json.loads(line)
        environ = {"SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", **entry["request"]}
        return cls(environ, base64.b64decode(entry["body"]))


class Journal:
    """An application in front of another one, which keeps a journal of what may have changed it.

    Requests are handled one at a time. A request is in the journal before it changes anything, so that whoever sees the
    journal grow and asks then sees the change.

    Args:
        application: The one that answers.
        path: The journal's file; it need not be there.
        prepare: Makes what moto makes at the first request to a service in a region, even at one that only reads, such
            as the default VPC. Its random numbers must not follow from which request came first.
    """

    def __init__(self, application: Application, path: Path, prepare: Callable[[AwsRequest], None]) -> None:
        self._application = application
        self._path = path
        self._prepare = prepare
        self._prepared: set[tuple[str, ...]] = set()
        self._lock = threading.Lock()
        self._number = 0

    def replay(self) -> int:
        """Does again what the journal says, and gives the number of requests."""
        if self._path.exists():
            whole, _, torn = self._path.read_text().rpartition("\n")
            if torn:  # we were killed while we wrote; its caller has no answer
                self._path.write_text(f"{whole}\n" if whole else "")
            for line in whole.splitlines():
                # What moto fails on, it fails on again.
                with suppress(Exception):
                    self._perform(AwsRequest.of_line(line))
        return self._number

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answers a request, as WSGI has it."""
        request = AwsRequest.of(environ)
        with self._lock:
            if request.reads:
                self._see(request)
                response = self._ask(request)
            else:
                with self._path.open("a") as journal:
                    journal.write(request.line())
                response = self._perform(request)
        return response(environ, start_response)

    def _see(self, request: AwsRequest) -> None:
        if request.scope not in self._prepared:
            self._prepared.add(request.scope)
            self._prepare(request)

    def _perform(self, request: AwsRequest) -> Response:
        self._number += 1
        self._see(request)
        mock_random.seed(self._number)
        return self._ask(request)

    def _ask(self, request: AwsRequest) -> Response:
        body, status, headers = run_wsgi_app(self._application, request.wsgi(), buffered=True)
        return Response(body, status, headers)
