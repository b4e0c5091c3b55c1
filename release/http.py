"""HTTP clients for services, inside the cluster and outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from kube.client import KubernetesApi, KubernetesApiError, error_reason


@dataclass(frozen=True)
class Target:
    """The address of a Kubernetes Service.

    Attributes:
        namespace: Namespace: the environment.
        service: Name of the Service.
        port: Port number.
        port_name: Name of the same port.
    """

    namespace: str
    service: str
    port: int
    port_name: str


@dataclass(frozen=True)
class Answer:
    """An HTTP response, or the reason why there was none.

    Attributes:
        status: HTTP status; None without a response.
        body: The body; without a response the reason.
    """

    status: int | None
    body: str


class Caller(Protocol):
    """An HTTP client for services."""

    def get(self, target: Target, path: str, *, timeout: float) -> Answer:
        """Sends a GET to a Service.

        Args:
            target: The Service.
            path: Path with a leading slash.
            timeout: Time-out in seconds.
        """
        ...


class ThroughApiServer:
    """The client outside the cluster: the API server's Service proxy."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api

    def get(self, target: Target, path: str, *, timeout: float) -> Answer:
        """Sends a GET through the API server."""
        name = f"{target.service}:{target.port_name}"
        try:
            status, body = self._api.service_proxy(target.namespace, name, path, timeout=timeout)
        except KubernetesApiError as error:
            return Answer(None, str(error))
        return Answer(status, body)


class InCluster:
    """The client in a pod: directly, by the Service's DNS name.

    https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#a-aaaa-records
    """

    def __init__(self) -> None:
        import urllib3  # noqa: PLC0415 - slow to import

        self._pool = urllib3.PoolManager(retries=False)
        self._errors = urllib3.exceptions.HTTPError

    def get(self, target: Target, path: str, *, timeout: float) -> Answer:
        """Sends a GET, each on a new connection: one that is kept open would stay with the old slot's pod."""
        url = f"http://{target.service}.{target.namespace}.svc:{target.port}{path}"
        try:
            response = self._pool.request("GET", url, timeout=timeout, redirect=False, headers={"Connection": "close"})
        except self._errors as error:
            return Answer(None, error_reason(error))
        return Answer(response.status, response.data.decode(errors="replace"))
