"""An API server's REST interface, as far as a provider needs it: one client a process, for all its threads.

The Python client's dynamic layer is not used here: it hides a Status' details and the options of a create, and
wraps each answer, which costs more time than the request.
"""

from __future__ import annotations

import json
import os
import ssl
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import quote, urlencode

import urllib3

from rehearsal.stand_ins.kubernetes.kubeconfig import Connection
from release.kubernetes_api import KubernetesObject

_CONNECTIONS = 64
_CONNECT_SECONDS = 5
_READ_SECONDS = 65  # the API server ends a request after 60
_SECONDS_BETWEEN_DISCOVERIES = 0.5
_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_BAD_REQUEST = 400

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class ApiError(Exception):
    """The API server refused a request, or could not be asked; the message is its own.

    Attributes:
        status: HTTP status code; 0 when the server did not answer.
        reason: Kubernetes' reason, e.g. `Invalid`; `Unreachable`, `NoKindMatch` are ours.
        about: Kind that the reason is about, where the server says (`details.kind`).
    """

    def __init__(self, message: str, *, status: int, reason: str, about: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.about = about

    @property
    def is_not_found(self) -> bool:
        """The object, its namespace or its kind is not there."""
        return self.reason in ("NotFound", "NoKindMatch")


@dataclass(frozen=True)
class Resource:
    """Where objects of a kind are.

    Attributes:
        root: `/api/v1` or `/apis/GROUP/VERSION`.
        plural: The kind's name in URLs.
        namespaced: Whether its objects live in namespaces.
    """

    root: str
    plural: str
    namespaced: bool

    def path(self, namespace: str | None, name: str | None = None) -> str:
        """URL path of an object, or of all of the kind in a namespace."""
        scope = f"/namespaces/{quote(namespace)}" if self.namespaced and namespace else ""
        return f"{self.root}{scope}/{self.plural}" + (f"/{quote(name, safe='')}" if name else "")


class ApiServer:
    """An API server and the kinds it serves.

    Raises:
        ApiError: It does not answer, or refuses the credentials.
    """

    def __init__(self, connection: Connection) -> None:
        self._server = connection.server
        self._headers = {"Authorization": f"Bearer {connection.token}"} if connection.token else {}
        self._pool = urllib3.PoolManager(
            maxsize=_CONNECTIONS,
            ssl_context=_tls(connection) if connection.server.startswith("https") else None,
            timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
            retries=urllib3.Retry(
                connect=2,
                read=0,
                redirect=0,
                status=5,
                status_forcelist=(429,),
                allowed_methods=None,
                backoff_factor=0.2,
            ),
        )
        self._lock = threading.Lock()
        self._resources: dict[tuple[str, str], Resource] = {}
        self._discovered_at = 0.0
        self._discover()

    def resource(self, api_version: str, kind: str) -> Resource:
        """Where objects of a kind are. Asks the server again for a kind that was not there before.

        Raises:
            ApiError: The server serves no such kind.
        """
        found = self._resources.get((api_version, kind))
        if found is None:
            self._discover()
            found = self._resources.get((api_version, kind))
        if found is None:
            raise ApiError(f'no matches for kind "{kind}" in version "{api_version}"', status=404, reason="NoKindMatch")
        return found

    def serves(self, api_version: str, kind: str) -> bool:
        """Whether the server has this kind."""
        try:
            self.resource(api_version, kind)
        except ApiError:
            return False
        return True

    def get(self, api_version: str, kind: str, namespace: str | None, name: str) -> KubernetesObject:
        """An object as it is now."""
        return self._request("GET", self.resource(api_version, kind).path(namespace, name))

    def list(
        self, api_version: str, kind: str, namespace: str | None, labels: Mapping[str, str] | None = None
    ) -> list[KubernetesObject]:
        """The objects of a kind, in a namespace, with these labels."""
        query = {"labelSelector": ",".join(f"{key}={value}" for key, value in labels.items())} if labels else {}
        found = self._request("GET", self.resource(api_version, kind).path(namespace), query)
        return cast("list[KubernetesObject]", found.get("items") or [])

    def create(self, body: KubernetesObject, *, manager: str, dry_run: bool) -> KubernetesObject:
        """Creates an object, or says what it would be."""
        return self._send("POST", body, {"fieldManager": manager} | _dry(dry_run))

    def replace(self, body: KubernetesObject, *, manager: str, dry_run: bool) -> KubernetesObject:
        """Replaces an object whole; its `resourceVersion` has to be the current one."""
        return self._send("PUT", body, {"fieldManager": manager} | _dry(dry_run))

    def apply(self, body: KubernetesObject, *, manager: str, force: bool, dry_run: bool) -> KubernetesObject:
        """Server-side apply: the fields in `body` become the manager's."""
        query = {"fieldManager": manager, "force": "true" if force else "false"} | _dry(dry_run)
        return self._send("PATCH", body, query, "application/apply-patch+yaml")

    def json_patch(self, live: KubernetesObject, patch: list[dict[str, Any]]) -> KubernetesObject:
        """Applies a JSON Patch to a live object."""
        return self._request("PATCH", self._path_of(live), body=patch, content_type="application/json-patch+json")

    def delete(self, api_version: str, kind: str, namespace: str | None, name: str, *, propagation: str) -> None:
        """Asks for an object's deletion; does not wait for it."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        self._request("DELETE", self.resource(api_version, kind).path(namespace, name), body=options)

    def _send(
        self, method: Method, body: KubernetesObject, query: Mapping[str, str], content_type: str = "application/json"
    ) -> KubernetesObject:
        path = self._path_of(body, named=method != "POST")
        return self._request(method, path, query, body=body, content_type=content_type)

    def _path_of(self, body: KubernetesObject, *, named: bool = True) -> str:
        metadata: dict[str, Any] = body["metadata"]
        resource = self.resource(body["apiVersion"], body["kind"])
        return resource.path(metadata.get("namespace"), metadata["name"] if named else None)

    def _request(
        self,
        method: Method,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> KubernetesObject:
        url = f"{self._server}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {**self._headers, "Accept": accept, "Content-Type": content_type}
        data = None if body is None else json.dumps(body).encode()
        try:
            answer = self._pool.request(method, url, body=data, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise ApiError(
                f"the API server at {self._server} cannot be reached: {error}", status=0, reason="Unreachable"
            ) from None
        if answer.status >= _BAD_REQUEST:
            raise _refusal(answer.status, answer.data)
        return cast("KubernetesObject", json.loads(answer.data))

    def _discover(self) -> None:
        """Reads all kinds in two requests: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery."""
        with self._lock:
            if time.monotonic() - self._discovered_at < _SECONDS_BETWEEN_DISCOVERIES:
                return  # another thread just did
            resources: dict[tuple[str, str], Resource] = {}
            for root in ("/api", "/apis"):
                for group in self._request("GET", root, accept=_DISCOVERY)["items"]:
                    name = group["metadata"].get("name", "")
                    for version in group.get("versions", ()):
                        api_version = f"{name}/{version['version']}" if name else version["version"]
                        for item in version.get("resources", ()):
                            resources[api_version, item["responseKind"]["kind"]] = Resource(
                                f"{root}/{api_version}", item["resource"], item["scope"] == "Namespaced"
                            )
            self._resources = resources
            self._discovered_at = time.monotonic()


def _dry(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}


def _refusal(status: int, body: bytes) -> ApiError:
    try:
        answer = cast("dict[str, Any]", json.loads(body))
        details: dict[str, Any] = answer.get("details") or {}
        return ApiError(
            str(answer["message"]),
            status=status,
            reason=str(answer.get("reason", "")),
            about=str(details.get("kind", "")),
        )
    except (ValueError, KeyError, AttributeError):
        text = body.decode(errors="replace").strip()  # not a Status, e.g. a proxy's answer
        return ApiError(text or f"HTTP status {status}", status=status, reason="")


def _tls(connection: Connection) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=connection.authority.decode() if connection.authority else None)
    if not connection.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if connection.certificate and connection.key:
        # Python takes a client certificate from a file only.
        handle, pair = tempfile.mkstemp(prefix="client-certificate-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(connection.certificate + b"\n" + connection.key)
            context.load_cert_chain(pair)
        finally:
            Path(pair).unlink()
    return context
