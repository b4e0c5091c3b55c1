"""A small HTTP server that answers for every service: what a container would, where none runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Self

from release.http import ThroughUrl
from tests.http_server import Answer, Request, answering

GOOD = (200, "ok")


@dataclass
class Web:
    """Answers to `/ENVIRONMENT/SERVICE/…`.

    Attributes:
        answers: What a Service answers, by `ENVIRONMENT/SERVICE`, each time that it is asked; `GOOD` for others.
        asked: Every path that was asked for.
    """

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

    @property
    def pattern(self) -> str:
        """For `--through`."""
        return f"{self._url}/{{environment}}/{{service}}"

    def caller(self) -> ThroughUrl:
        """The tool's way to it."""
        return ThroughUrl(self.pattern)
