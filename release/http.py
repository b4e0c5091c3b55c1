"""How a service is asked over HTTP, from inside the cluster or from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from kube.client import KubernetesApi, KubernetesApiError, plain


@dataclass(frozen=True)
class Target:
    """A Service, as it is asked.

    Attributes:
        namespace: Its namespace: the environment.
        service: Its name.
        port: Where it listens, 1 to 65535.
        port_name: The same port's name.
    """

    namespace: str
    service: str
    port: int
    port_name: str


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

    def get(self, target: Target, path: str, *, timeout: float) -> Answer:
        """Asks one of the pods that a Service leads to.

        Args:
            target: The Service.
            path: With a leading slash.
            timeout: Seconds.
        """
        ...


class ThroughApiServer:
    """From outside: the API server's Service proxy, which takes the port by its name."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api

    def get(self, target: Target, path: str, *, timeout: float) -> Answer:
        """Asks through the API server."""
        name = f"{target.service}:{target.port_name}"
        try:
            status, body = self._api.service_proxy(target.namespace, name, path, timeout=timeout)
        except KubernetesApiError as error:
            return Answer(None, str(error))
        return Answer(status, body)


class InCluster:
    """From a pod: by the Service's own name and port, as its callers ask it.

    https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#a-aaaa-records
    """

    def __init__(self) -> None:
        import urllib3  # noqa: PLC0415 - help needs none

        self._pool = urllib3.PoolManager(retries=False)
        self._errors = urllib3.exceptions.HTTPError

    def get(self, target: Target, path: str, *, timeout: float) -> Answer:
        """Asks the Service. Each request is a connection of its own: an old one would lead to the old slot."""
        url = f"http://{target.service}.{target.namespace}.svc:{target.port}{path}"
        try:
            found = self._pool.request("GET", url, timeout=timeout, redirect=False, headers={"Connection": "close"})
        except self._errors as error:
            return Answer(None, plain(error))
        return Answer(found.status, found.data.decode(errors="replace"))
