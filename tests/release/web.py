"""An HTTP server that answers for every service, since no container runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Self

import urllib3

from release.http import Answer, Target
from tests import http_server
from tests.http_server import Request, answering

GOOD = (200, "ok")


@dataclass
class Web:
    """Answers to `/ENVIRONMENT/SERVICE/…`.

    Attributes:
        port: Port of each Service.
        answers: A function for the answers of each `ENVIRONMENT/SERVICE`; others answer `GOOD`.
        asked: The path of each request.
    """

    port: int
    answers: dict[str, Callable[[], tuple[int, str]]] = field(default_factory=dict[str, Callable[[], tuple[int, str]]])
    asked: list[str] = field(default_factory=list[str])

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self._url = self._stack.enter_context(answering(self._answer))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _answer(self, request: Request) -> http_server.Answer:
        self.asked.append(request.path)
        service = "/".join(request.path.split("/")[1:3])
        status, body = self.answers.get(service, lambda: GOOD)()
        return http_server.Answer(status, body.encode())

    def get(self, target: Target, path: str, *, timeout: float) -> Answer:
        """Sends a GET; implements `release.http.Caller`."""
        if target.port != self.port:
            return Answer(None, f"nothing listens on port {target.port}")
        url = f"{self._url}/{target.namespace}/{target.service}{path}"
        try:
            response = urllib3.request("GET", url, timeout=timeout, retries=False)
        except urllib3.exceptions.HTTPError as error:  # no answer in time counts as a bad one, as everywhere
            return Answer(None, str(error))
        return Answer(response.status, response.data.decode())
