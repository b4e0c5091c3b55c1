"""A pod's answer to an HTTP request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from rehearsal.demo_images import Fault
from rehearsal.pod_simulator.pods import Pod

SLOW_SECONDS = 3.0
"""Response time of `Fault.SLOW`: above the timeout of a release's watch, below that of its smoke test."""

USERS_SECONDS = 0.4
"""Response time of `Fault.SLOW_FOR_USERS` but on the health path: no time-out and no smoke test notices it."""

REQUESTS_UNTIL_BROKEN = 40
"""Good answers of a pod with `Fault.BREAKS_UNDER_TRAFFIC`: more than a smoke test needs, soon reached by traffic."""

LONGEST_SLEEP = 600.0

PAGE = Path(__file__).with_name("page.html").read_bytes()
"""The HTML page of a pod, which shows the pod that answers and polls it twice a second."""


@dataclass(frozen=True)
class Answer:
    """An HTTP response.

    Attributes:
        content: The body as JSON.
        after: Seconds until it is sent.
        call: URL of another service that is called first; `with_call` adds its response.
        is_page: Whether the body is an HTML page instead of `content`.
        is_last: Whether the connection is closed after it.
    """

    status: HTTPStatus
    content: Mapping[str, Any]
    after: float = 0.0
    call: str | None = None
    is_page: bool = False
    is_last: bool = False

    def body(self) -> bytes:
        """The body: JSON or the HTML page."""
        return PAGE if self.is_page else json.dumps(self.content).encode() + b"\n"

    @property
    def content_type(self) -> str:
        """The body's media type."""
        return "text/html; charset=utf-8" if self.is_page else "application/json"

    def with_call(self, status: int | None, body: Any) -> Answer:
        """This answer with the other service's response; status 502 if that is not 200."""
        called = {"url": self.call, "status": status, "answer": body}
        own_status = self.status if status == HTTPStatus.OK else HTTPStatus.BAD_GATEWAY
        return replace(self, status=own_status, content={**self.content, "called": called}, call=None)


def answer(pod: Pod, target: str, accept: str, answered: int) -> Answer:
    """A pod's answer to a request with this target and `Accept` header, after so many `answered` requests.

    In the target's query, `?sleep=SECONDS` delays the answer, `?call=URL` calls another service, and `?once` closes the
    connection.
    """
    url = urlsplit(target)
    query = parse_qs(url.query, keep_blank_values=True)
    try:
        sleep = float(query.get("sleep", ["0"])[-1])
    except ValueError:
        sleep = -1
    if not 0 <= sleep <= LONGEST_SLEEP:
        problem = f"sleep: a number of seconds from 0 to {LONGEST_SLEEP:.0f}"
        return Answer(HTTPStatus.BAD_REQUEST, {**pod.description(), "error": problem})
    call = query.get("call", [None])[-1]
    status = _status(pod, url.path, answered)
    return Answer(
        status,
        pod.description(),
        after=sleep + _delay(pod, url.path),
        call=call,
        is_page="text/html" in accept and status == HTTPStatus.OK and call is None,
        is_last="once" in query,
    )


def _delay(pod: Pod, path: str) -> float:
    """Seconds by which a fault delays an answer."""
    if pod.fault is Fault.SLOW_FOR_USERS:
        return 0 if path == pod.health_path else USERS_SECONDS
    return SLOW_SECONDS if pod.fault is Fault.SLOW else 0


def _status(pod: Pod, path: str, answered: int) -> HTTPStatus:
    match pod.fault:
        case Fault.NEVER_READY:
            return HTTPStatus.SERVICE_UNAVAILABLE
        case Fault.SMOKE_TEST if path == pod.health_path:
            return HTTPStatus.SERVICE_UNAVAILABLE
        case Fault.ERRORS:
            return HTTPStatus.INTERNAL_SERVER_ERROR
        case Fault.BREAKS_UNDER_TRAFFIC if answered >= REQUESTS_UNTIL_BROKEN:
            return HTTPStatus.INTERNAL_SERVER_ERROR
        case _:
            return HTTPStatus.OK
