"""Work on threads that end with the process: what does not answer keeps no command from ending."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import TypeVar

from release.errors import ExitCode, ReleaseError

T = TypeVar("T")
A = TypeVar("A")

ANSWER_SECONDS = 10
"""How long a command that only reads may take until it answers, or says why it does not."""


def start(work: Callable[[A], T], argument: A) -> Future[T]:
    """Starts work on a thread of its own."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work(argument))
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def at_once(work: Callable[[A], T], arguments: Iterable[A]) -> list[T]:
    """The results of work on all arguments at the same time."""
    return [future.result() for future in [start(work, argument) for argument in arguments]]


def by(deadline: float, work: Callable[[], T]) -> T:
    """The result of work that has to end by a time of the monotonic clock.

    Raises:
        ReleaseError: It did not.
    """
    try:
        return start(lambda _: work(), None).result(timeout=max(0, deadline - time.monotonic()))
    except TimeoutError:
        raise ReleaseError(
            f"the API server did not answer within {ANSWER_SECONDS} s",
            remedy="is this the right kubeconfig and context, and its API server up? See `kubectl version`",
            exit_code=ExitCode.FAILED,
        ) from None
