"""Asks a server over HTTPS, again and again while it is not ready."""

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
"""Answers that a later one may follow: while a server starts, or somebody else changes the same thing."""

BAD_REQUEST = 400

SECONDS_BETWEEN = 5
SECONDS_FOR_ONE = 30


def say(text: str) -> None:
    """Writes into the log of the Job, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class SetupError(Exception):
    """What is wrong, where, and what to do: for the log of the Job."""


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        method: HTTP method.
        path: Path and query.
        body: What is sent as JSON; bytes are sent as they are.
        headers: On top of the server's.
        fine: Texts in the body of an answer 400 that make it a good one: what is asked for is there.
    """

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    fine: tuple[str, ...] = ()


@dataclass(frozen=True)
class Server:
    """A server, and as whom it is asked.

    Attributes:
        name: For messages.
        url: Without a slash at its end.
        ca_file: Who signs its certificate.
        headers: Of every request.
        deadline: When to give up, by `clock`.
        clock: Seconds, never going back.
        sleep: Waits some seconds.
    """

    name: str
    url: str
    ca_file: str | None
    headers: Mapping[str, str]
    deadline: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def ask(self, request: Request) -> Any:
        """The answer's JSON; None where it has none.

        Raises:
            SetupError: The server refuses, or is not ready before the deadline.
        """
        while True:
            problem = ""
            try:
                return self._once(request)
            except urllib.error.HTTPError as error:
                text = error.read().decode("utf-8", "replace")
                if error.code == BAD_REQUEST and any(one in text for one in request.fine):
                    return None
                problem = f"{error.code} {text[:500]}"
                if error.code in (401, 403):
                    raise SetupError(
                        self._told(request, problem, "see that the password and role are current")
                    ) from None
                if error.code not in NOT_READY:
                    raise SetupError(self._told(request, problem, "the request is wrong for this version")) from None
            except OSError as error:
                problem = str(error)
            if self.clock() + SECONDS_BETWEEN > self.deadline:
                raise SetupError(
                    self._told(request, problem, "see whether its pods are ready; the next run tries again")
                )
            say(f"waiting for {self.name}: {problem[:200]}")
            self.sleep(SECONDS_BETWEEN)

    def _once(self, request: Request) -> Any:
        raw = isinstance(request.body, bytes)
        body = request.body if raw else json.dumps(request.body).encode() if request.body is not None else None
        headers = {"Content-Type": "application/json", **self.headers, **request.headers}
        asked = urllib.request.Request(  # noqa: S310 - our own URLs, HTTPS
            f"{self.url}{request.path}", data=body, method=request.method, headers=headers
        )
        context = ssl.create_default_context(cafile=self.ca_file) if self.url.startswith("https:") else None
        with urllib.request.urlopen(asked, timeout=SECONDS_FOR_ONE, context=context) as answer:  # noqa: S310
            text = answer.read()
        return json.loads(text) if text else None

    def _told(self, request: Request, problem: str, remedy: str) -> str:
        return f"{self.name}: {request.method} {request.path}: {problem}; {remedy}"
