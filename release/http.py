"""How a service is asked over HTTP, from inside the cluster, from outside, or by an address that stands for both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from release.kubernetes_api import KubernetesApi, KubernetesApiError, plain

PORT_NAME = "http"
"""The one port of each Service."""


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        status: HTTP status; None where nothing answered.
        body: The body, or why nothing answered.
    """

    status: int | None
    body: str


class Caller(Protocol):
    """A way to a service."""

    def get(self, environment: str, service: str, path: str, *, timeout: float) -> Answer:
        """Asks one of the pods that a Service leads to.

        Args:
            environment: The Service's namespace.
            service: The Service's name.
            path: With a leading slash.
            timeout: Seconds.
        """
        ...


class ThroughApiServer:
    """From outside: the API server's Service proxy."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api

    def get(self, environment: str, service: str, path: str, *, timeout: float) -> Answer:
        """Asks through the API server."""
        try:
            status, body = self._api.service_proxy(environment, f"{service}:{PORT_NAME}", path, timeout=timeout)
        except KubernetesApiError as error:
            return Answer(None, str(error))
        return Answer(status, body)


class ThroughUrl:
    """By an address: the cluster's own DNS, or whatever stands for it.

    Args:
        pattern: URL without the path, with `{environment}` and `{service}` in it.
    """

    def __init__(self, pattern: str) -> None:
        import urllib3  # noqa: PLC0415 - help needs none

        self._pattern = pattern
        self._pool = urllib3.PoolManager(retries=False)
        self._errors = urllib3.exceptions.HTTPError

    def get(self, environment: str, service: str, path: str, *, timeout: float) -> Answer:
        """Asks the address. Each request is a connection of its own: an old one would lead to the old slot."""
        url = self._pattern.format(environment=environment, service=service).rstrip("/") + path
        try:
            found = self._pool.request("GET", url, timeout=timeout, redirect=False, headers={"Connection": "close"})
        except self._errors as error:
            return Answer(None, plain(error))
        return Answer(found.status, found.data.decode(errors="replace"))
