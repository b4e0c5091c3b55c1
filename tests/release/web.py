"""A small HTTP server that answers for every service: what a container would, where none runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Self

import urllib3

from release.http import Answer as ServiceState
from release.http import Target
from tests.http_server import Answer, Request, answering

GOOD = (200, "ok")


@dataclass
class Web:
    """Answers to `/ENVIRONMENT/SERVICE/…`.

    Attributes:
        port: Of each Service.
        answers: What a Service answers, by `ENVIRONMENT/SERVICE`, each time that it is asked; `GOOD` for others.
        asked: Every path that was asked for.
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

    def _answer(self, request: Request) -> Answer:
        self.asked.append(request.path)
        service = "/".join(request.path.split("/")[1:3])
        status, body = self.answers.get(service, lambda: GOOD)()
        return Answer(status, body.encode())

    def get(self, target: Target, path: str, *, timeout: float) -> ServiceState:
        """The tool's way to it, on the port that the Services have."""
        if target.port != self.port:
            return ServiceState(None, f"nothing listens on port {target.port}")
        url = f"{self._url}/{target.namespace}/{target.service}{path}"
        found = urllib3.request("GET", url, timeout=timeout, retries=False)
        return ServiceState(found.status, found.data.decode())
