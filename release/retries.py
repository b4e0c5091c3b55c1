"""Retries of calls to the API server."""

from __future__ import annotations

from collections.abc import Callable

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential_jitter,
)

from kube.client import NO_KUBECONFIG, UNREACHABLE, KubernetesApiError
from release.clock import Clock
from release.errors import LostRaceError
from release.objects import CONFLICT

ATTEMPTS = 8
"""With the waits in between about half a minute: less than the lock's lease."""

RETRY_SECONDS = 30
"""No call is tried again later than this, however long its attempts took: less than the lock's lease."""

REQUEST_TIMEOUT, TOO_MANY_REQUESTS, FIRST_SERVER_ERROR = 408, 429, 500


def is_transient(error: BaseException) -> bool:
    """Whether a second try may succeed: a lost race, or an API server that is unreachable or overloaded."""
    if isinstance(error, KubernetesApiError):
        status = error.status
        return (
            status in (UNREACHABLE, CONFLICT, REQUEST_TIMEOUT, TOO_MANY_REQUESTS) and error.reason != NO_KUBECONFIG
        ) or status >= FIRST_SERVER_ERROR
    return isinstance(error, LostRaceError)


def retrying(clock: Clock, report: Callable[[str], None] = lambda _: None, *, attempts: int = ATTEMPTS) -> Retrying:
    """A wrapper that retries transient errors, for `RETRY_SECONDS` at most, with exponential backoff.

    Args:
        clock: The clock to wait by.
        attempts: Most attempts.
        report: Gets a line on each error of the API server; lost races are not reported.
    """

    def report_error(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, KubernetesApiError) and error.status != CONFLICT:
            report(f"The API server: {error}; trying again")

    return Retrying(
        before_sleep=report_error,
        retry=retry_if_exception(is_transient),
        wait=wait_exponential_jitter(multiplier=0.2, max=6, jitter=0.2),
        stop=stop_after_attempt(attempts) | stop_after_delay(RETRY_SECONDS),
        sleep=clock.sleep,
        reraise=True,
    )
