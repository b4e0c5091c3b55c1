"""An HTTPS client for JSON APIs, which retries while a server is not ready."""

from __future__ import annotations

import json
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

NOT_READY = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
"""Statuses that are retried: the server is starting, is overloaded, or another request changes the same object."""

BAD_REQUEST = 400

SECONDS_BETWEEN = 5
"""Delay before a retry."""

SECONDS_FOR_ONE = 30
"""Timeout of one request."""


def say(text: str) -> None:
    """Writes a line to the Job's log, unbuffered."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class SetupError(Exception):
    """A failure, whose message says what is wrong, where, and what to do."""


@dataclass(frozen=True)
class Request:
    """An HTTP request.

    Attributes:
        method: HTTP method.
        path: Path and query.
        body: Value that is sent as JSON; bytes are sent as they are.
        headers: Headers on top of the server's.
        fine: Error types of a response with status 400 that count as success, such as that the object exists.
    """

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    fine: tuple[str, ...] = ()


@dataclass(frozen=True)
class Server:
    """A server, and the credentials for it.

    Attributes:
        name: Name in messages.
        url: URL without a trailing slash.
        ca_file: Path of the CA's certificate.
        headers: Headers of every request, with the credentials.
        deadline: Time limit of all requests, by `clock`.
        clock: Monotonic clock, in seconds.
        sleep: Function that waits for a number of seconds.
    """

    name: str
    url: str
    ca_file: str | None
    headers: Mapping[str, str]
    deadline: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def ask(self, request: Request) -> Any:
        """Sends a request, and retries it until the deadline.

        Returns:
            The response body as JSON; None where it is empty.

        Raises:
            SetupError: The server rejects the request, or is not ready before the deadline.
        """
        while True:
            problem = ""
            try:
                return self._once(request)
            except urllib.error.HTTPError as error:
                text = error.read().decode("utf-8", "replace")
                if error.code == BAD_REQUEST and any(type_ in text for type_ in request.fine):
                    return None
                problem = f"{error.code} {text[:500]}"
                if error.code in (401, 403):
                    raise SetupError(
                        self._message(request, problem, "see that the password and role are current")
                    ) from None
                if error.code not in NOT_READY:
                    raise SetupError(self._message(request, problem, "the request is wrong for this version")) from None
            except OSError as error:
                problem = str(error)
            if self.clock() + SECONDS_BETWEEN > self.deadline:
                raise SetupError(
                    self._message(request, problem, "see whether its pods are ready; the next run tries again")
                )
            say(f"waiting for {self.name}: {problem[:200]}")
            self.sleep(SECONDS_BETWEEN)

    def _once(self, request: Request) -> Any:
        raw = isinstance(request.body, bytes)
        body = request.body if raw else json.dumps(request.body).encode() if request.body is not None else None
        headers = {"Content-Type": "application/json", **self.headers, **request.headers}
        http_request = urllib.request.Request(  # noqa: S310 - our own URLs, HTTPS
            f"{self.url}{request.path}", data=body, method=request.method, headers=headers
        )
        context = ssl.create_default_context(cafile=self.ca_file) if self.url.startswith("https:") else None
        with urllib.request.urlopen(http_request, timeout=SECONDS_FOR_ONE, context=context) as response:  # noqa: S310
            text = response.read()
        return json.loads(text) if text else None

    def _message(self, request: Request, problem: str, remedy: str) -> str:
        return f"{self.name}: {request.method} {request.path}: {problem}; {remedy}"
