"""What a pod answers to a request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from rehearsal.demo_images import Fault
from rehearsal.pod_simulator.page import PAGE
from rehearsal.pod_simulator.pods import Pod

SLOW_SECONDS = 3.0
"""How long a slow version thinks: longer than a release's watch waits for an answer, not so long as its smoke test."""

REQUESTS_UNTIL_BROKEN = 40
"""Answers that a pod gives before it breaks: more than a smoke test asks for, fewer than users in a second."""

LONGEST_SLEEP = 600.0


@dataclass(frozen=True)
class Answer:
    """An answer over HTTP.

    Attributes:
        status: HTTP status.
        content: What the body says; a page instead where one is asked for.
        after: Seconds until it is given.
        call: URL of another service that is asked first; its answer is part of this one.
        is_page: Whether the body is a page for people.
        is_last: Whether the connection ends with it, so that the next request has to come by a new one.
    """

    status: HTTPStatus
    content: Mapping[str, Any]
    after: float = 0.0
    call: str | None = None
    is_page: bool = False
    is_last: bool = False

    def body(self) -> bytes:
        """The body."""
        return PAGE if self.is_page else json.dumps(self.content).encode() + b"\n"

    @property
    def content_type(self) -> str:
        """The body's media type."""
        return "text/html; charset=utf-8" if self.is_page else "application/json"

    def with_call(self, status: int | None, said: Any) -> Answer:
        """This answer once the other service was asked.

        Args:
            status: Its HTTP status; None if it gave no answer.
            said: Its body, or why there is none.
        """
        called = {"url": self.call, "status": status, "answer": said}
        worst = self.status if status == HTTPStatus.OK else HTTPStatus.BAD_GATEWAY
        return replace(self, status=worst, content={**self.content, "called": called}, call=None)


def answer(pod: Pod, target: str, accept: str, answered: int) -> Answer:
    """What a pod answers.

    Args:
        pod: The pod.
        target: Path and query of the request: `?sleep=SECONDS` holds it, `?call=URL` asks another service,
            `?once` ends the connection.
        accept: The request's media types.
        answered: How many requests this pod has answered before.
    """
    url = urlsplit(target)
    status, after = _health(pod, url.path, answered)
    found = Answer(status, pod.description(), after=after, is_page="text/html" in accept and status == HTTPStatus.OK)
    if not url.query:
        return found
    query = parse_qs(url.query, keep_blank_values=True)
    try:
        sleep = float(query.get("sleep", ["0"])[-1])
    except ValueError:
        sleep = -1
    if not 0 <= sleep <= LONGEST_SLEEP:
        problem = f"sleep: a number of seconds from 0 to {LONGEST_SLEEP:.0f}"
        return Answer(HTTPStatus.BAD_REQUEST, {**pod.description(), "error": problem})
    call = query.get("call", [None])[-1]
    is_page = found.is_page and call is None
    return replace(found, after=after + sleep, call=call, is_page=is_page, is_last="once" in query)


def _health(pod: Pod, path: str, answered: int) -> tuple[HTTPStatus, float]:
    match pod.fault:
        case Fault.NEVER_READY:
            return HTTPStatus.SERVICE_UNAVAILABLE, 0.0
        case Fault.ERRORS:
            return HTTPStatus.INTERNAL_SERVER_ERROR, 0.0
        case Fault.SMOKE_TEST if path == pod.health_path:
            return HTTPStatus.SERVICE_UNAVAILABLE, 0.0
        case Fault.BREAKS_UNDER_TRAFFIC if answered >= REQUESTS_UNTIL_BROKEN:
            return HTTPStatus.INTERNAL_SERVER_ERROR, 0.0
        case Fault.SLOW:
            return HTTPStatus.OK, SLOW_SECONDS
        case _:
            return HTTPStatus.OK, 0.0
