"""A typed wrapper of the Kubernetes dynamic client: plain objects in and out, one type of error."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

import yaml
from urllib3.exceptions import HTTPError, MaxRetryError

from kube.transport import hold_credentials, limit_requests, lines

KubernetesObject: TypeAlias = dict[str, Any]
"""A Kubernetes object in JSON: `apiVersion`, `kind`, `metadata`, and the fields of its kind."""

NOT_FOUND = 404

METADATA_ONLY = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"

UNREACHABLE = 0
"""Status of a request without a response: a time-out, or a connection that was refused or cut."""

NO_KUBECONFIG = "NoKubeconfig"
"""Reason of an error that a retry cannot fix."""

REQUEST_SECONDS = 15
"""Time limit of a request, until its whole response is there."""

WATCH_GRACE_SECONDS = 1
"""How long after its time a watch may go on before its connection counts as broken."""

NO_FILE = os.path.join(os.devnull, "none")  # noqa: PTH118
"""A path at which no file can be. The client's discovery cache would be in the shared temporary directory, by host and
port: stale for a new control plane at the same address."""

_LOADING = threading.Lock()
"""Threads share the files that a kubeconfig's data are written to; each deletes them once it holds their content."""


def has_condition(body: KubernetesObject | None, kind: str) -> bool:
    """Whether the status of an object has a condition of this type that is true."""
    status: dict[str, Any] = (body or {}).get("status") or {}
    conditions: list[dict[str, Any]] = status.get("conditions") or []
    return any(condition["type"] == kind and condition["status"] == "True" for condition in conditions)


class KubernetesApiError(Exception):
    """An error response of the API server, with its message; or a request without a response.

    Attributes:
        status: HTTP status code; `UNREACHABLE` without a response.
        reason: Kubernetes' reason, e.g. `Invalid`, `Conflict`, `Forbidden`.
    """

    def __init__(self, message: str, *, status: int, reason: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class KubernetesApi:
    """A client of one API server.

    Attributes:
        in_pod: Whether it runs in a pod of the cluster, as the pod's service account; the cluster's DNS is available.
        cluster: Which cluster it is, for a person: the kubeconfig's context and cluster, and the address.
        is_concurrent: Whether several threads may call it, and gain time by that.

    Args:
        kubeconfig: Path of a kubeconfig, or its parsed content; None for kubectl's default: `KUBECONFIG`, the file in
            the home directory, or the service account of the pod.
        context: A context of the kubeconfig; by default its current one.
        request_seconds: Time limit of a request, until its whole response is there.

    Raises:
        KubernetesApiError: There is no kubeconfig, or it is invalid.
    """

    is_concurrent = True

    def __init__(
        self,
        kubeconfig: Path | dict[str, Any] | None,
        *,
        context: str | None = None,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        self.in_pod = kubeconfig is None and context is None and _in_a_pod()
        api_client = _api_client(kubeconfig, context, request_seconds)
        self.cluster = _cluster(kubeconfig, context, in_pod=self.in_pod, api_client=api_client)
        self._rest: Any = api_client
        self._discovery = threading.Lock()
        self._client: Any = _checked(
            _library().dynamic.DynamicClient, api_client, cache_file=NO_FILE, discoverer=_discoverer()
        )

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> KubernetesObject | None:
        """The object, or None if it does not exist."""
        try:
            return self._call("get", api_version, kind, name=name, namespace=namespace)
        except KubernetesApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def list(
        self,
        api_version: str,
        kind: str,
        *,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
        metadata_only: bool = False,
    ) -> list[KubernetesObject]:
        """All objects of a kind, in one namespace or in all; each with its `apiVersion` and `kind`.

        Args:
            api_version: E.g. `apps/v1`.
            kind: E.g. `Deployment`.
            namespace: Only objects of this namespace.
            label_selector: Only objects that match it.
            field_selector: Likewise, by fields that the API server selects by.
                https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/
            metadata_only: Return only the metadata of each.
                https://kubernetes.io/docs/reference/using-api/api-concepts/#metadata-only-fetches
        """
        options: dict[str, Any] = {"header_params": {"Accept": METADATA_ONLY}} if metadata_only else {}
        selectors = {"label_selector": label_selector, "field_selector": field_selector}
        response = self._call("get", api_version, kind, namespace=namespace, **selectors, **options)
        return [{**item, "apiVersion": api_version, "kind": kind} for item in response["items"]]

    def create(self, body: KubernetesObject) -> KubernetesObject:
        """Creates an object."""
        return self._call("create", body["apiVersion"], body["kind"], body=body, namespace=_namespace(body))

    def apply(
        self, body: KubernetesObject, *, field_manager: str, force: bool = False, dry_run: bool = False
    ) -> KubernetesObject:
        """Server-side apply: `field_manager` owns the fields in `body` from then on.

        https://kubernetes.io/docs/reference/using-api/server-side-apply/

        Raises:
            KubernetesApiError: Among others a `Conflict` with another manager's fields, unless `force` is set.
        """
        return self._call(
            "server_side_apply",
            body["apiVersion"],
            body["kind"],
            body=body,
            namespace=_namespace(body),
            field_manager=field_manager,
            force_conflicts=force,
            dry_run="All" if dry_run else None,
        )

    def json_patch(
        self,
        api_version: str,
        kind: str,
        name: str,
        patch: list[dict[str, Any]],
        *,
        namespace: str | None = None,
        field_manager: str | None = None,
        dry_run: bool = False,
    ) -> KubernetesObject:
        """Applies a JSON Patch (RFC 6902); a failed `test` refuses the whole patch, with status 422."""
        return self._call(
            "patch",
            api_version,
            kind,
            name=name,
            namespace=namespace,
            body=patch,
            content_type="application/json-patch+json",
            field_manager=field_manager,
            dry_run="All" if dry_run else None,
        )

    def delete(
        self,
        api_version: str,
        kind: str,
        name: str,
        namespace: str | None = None,
        *,
        propagation: Literal["Foreground", "Background", "Orphan"] = "Background",
        grace_seconds: int | None = None,
    ) -> None:
        """Requests the deletion of an object, without waiting for it. It is no error if the object does not exist.

        With `grace_seconds` of 0 a pod is deleted at once, without its kubelet's confirmation.
        """
        options: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        try:
            self._call("delete", api_version, kind, name=name, namespace=namespace, body=options)
        except KubernetesApiError as error:
            if error.status != NOT_FOUND:
                raise

    def evict(self, name: str, namespace: str) -> None:
        """Evicts a pod as `kubectl drain` does, without waiting for its end. It is no error if the pod does not exist.

        Raises:
            KubernetesApiError: Among others `TooManyRequests` while a PodDisruptionBudget forbids the eviction.
        """
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": namespace}}
        try:
            self.subresource("create", "Pod/eviction", name, namespace, body)
        except KubernetesApiError as error:
            if error.status != NOT_FOUND:
                raise

    def subresource(
        self, verb: Literal["create", "patch"], kind: str, name: str, namespace: str, body: KubernetesObject
    ) -> KubernetesObject:
        """Creates, or patches by a strategic merge, a subresource of an object of API version `v1`.

        Args:
            verb: What to do.
            kind: Kind and subresource, e.g. `Pod/eviction`.
            name: Name of the object.
            namespace: Its namespace.
            body: The subresource, or the patch.
        """
        kind, _, subresource = kind.partition("/")
        operation = getattr(self._resource("v1", kind).subresources[subresource], verb)
        return _response(operation, body=body, name=name, namespace=namespace)

    def pod_log(self, name: str, namespace: str, *, lines: int) -> str:
        """The last lines that the container of a pod wrote.

        Raises:
            KubernetesApiError: The API server or the kubelet refused, or there is no such pod.
        """
        operation = self._resource("v1", "Pod").subresources["log"].get
        tail = [("tailLines", lines)]
        response = _checked(operation, serialize=False, name=name, namespace=namespace, query_params=tail)
        # The client has None for an empty body.
        return bytes(response.data or b"").decode(errors="replace")

    def watch(
        self,
        api_version: str,
        kind: str,
        *,
        namespace: str | None = None,
        name: str | None = None,
        label_selector: str | None = None,
        timeout: int,
    ) -> Iterator[tuple[str, KubernetesObject]]:
        """Yields the type (`ADDED`, `MODIFIED`, `DELETED`) and the object of each event, for up to `timeout` seconds.

        Objects that exist already come first, as `ADDED`.

        Raises:
            KubernetesApiError: Among others after `WATCH_GRACE_SECONDS` more, if the server has not ended the watch.
        """
        seconds = timeout + WATCH_GRACE_SECONDS
        # The client's own `Watch` has no time limit of the whole, and fails at an error without a reason.
        response = _checked(
            self._resource(api_version, kind).get,
            namespace=namespace,
            field_selector=f"metadata.name={name}" if name else None,
            label_selector=label_selector,
            serialize=False,
            watch=True,
            timeout_seconds=timeout,
            _request_timeout=seconds,
        )
        with closing(lines(response, seconds)) as events:
            while (line := _checked(next, events, None)) is not None:
                yield _event(line)

    def service_proxy(self, namespace: str, service: str, path: str, *, timeout: float) -> tuple[int, str]:
        """Sends a GET to a Service through the API server, and returns the HTTP status and the body.

        https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/

        Args:
            namespace: Namespace of the Service.
            service: `NAME` or `NAME:PORT-NAME`.
            path: Path with a leading slash.
            timeout: Time-out in seconds.
        """
        try:
            response = self._rest.call_api(
                f"/api/v1/namespaces/{namespace}/services/{service}/proxy{path}",
                "GET",
                auth_settings=["BearerToken"],
                _preload_content=False,
                _return_http_data_only=True,
                _request_timeout=timeout,
            )
            body = response.data
        except _library().client.ApiException as error:
            return int(error.status), str(error.body)
        except HTTPError as error:
            raise _unreachable(error) from None
        return int(response.status), body.decode(errors="replace")

    def is_namespaced(self, api_version: str, kind: str) -> bool:
        """Whether a kind is namespaced.

        Raises:
            KubernetesApiError: The API server has no such kind.
        """
        return bool(self._resource(api_version, kind).namespaced)

    def _resource(self, api_version: str, kind: str) -> Any:
        # Without a prefix the client queries every group of this version, and fails if one is just being removed.
        prefix = "apis" if "/" in api_version else "api"
        try:
            # The search for an unknown kind reloads the discovery cache; meanwhile other threads would find no kind.
            with self._discovery:
                return _checked(self._client.resources.get, prefix=prefix, api_version=api_version, kind=kind)
        except _library().dynamic.exceptions.ResourceNotFoundError:
            raise KubernetesApiError(
                f'no matches for kind "{kind}" in version "{api_version}"', status=NOT_FOUND, reason="NoKindMatch"
            ) from None

    def _call(self, verb: str, api_version: str, kind: str, **arguments: Any) -> KubernetesObject:
        return _response(getattr(self._resource(api_version, kind), verb), **arguments)


@cache
def _library() -> Any:
    """The package `kubernetes`, imported at the first use of a client: it takes 0.3 s of CPU."""
    import kubernetes  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]

    return kubernetes


@cache
def _discoverer() -> Any:
    """A discoverer that discovers anew in each process, and writes no file."""

    def write_cache(_: object) -> None:
        pass

    return type("Discoverer", (_library().dynamic.discovery.LazyDiscoverer,), {"_write_cache": write_cache})


def _event(line: bytes) -> tuple[str, KubernetesObject]:
    """Type and object of an event of a watch."""
    try:
        event = json.loads(line)
        kind, body = str(event["type"]), dict[str, Any](event["object"])
    except (ValueError, KeyError, TypeError):
        raise KubernetesApiError("a watch got no event", status=UNREACHABLE, reason="Watch") from None
    if kind == "ERROR":
        message, status = str(body.get("message", "")), int(body.get("code", UNREACHABLE))
        raise KubernetesApiError(message, status=status, reason=str(body.get("reason", "")))
    return kind, body


def _response(operation: Any, **arguments: Any) -> KubernetesObject:
    # Without the client's own objects, which for a hundred pods take longer to build than the request.
    response = _checked(operation, serialize=False, **arguments)
    return cast("KubernetesObject", json.loads(response.data))


def _namespace(body: KubernetesObject) -> str | None:
    return cast("str | None", body["metadata"].get("namespace"))


def _api_client(kubeconfig: Path | dict[str, Any] | None, context: str | None, request_seconds: float) -> Any:
    with _LOADING:
        api_client = _loaded(kubeconfig, context)
        hold_credentials(api_client)
    limit_requests(api_client, request_seconds)
    return api_client


def _loaded(kubeconfig: Path | dict[str, Any] | None, context: str | None) -> Any:
    load = _library().config
    if isinstance(kubeconfig, dict):
        return load.new_client_from_config_dict(kubeconfig, context=context)
    try:
        if kubeconfig is None and context is None and _in_a_pod():
            configuration = _library().client.Configuration()
            load.load_incluster_config(configuration)
            return _library().client.ApiClient(configuration)
        return load.new_client_from_config(str(kubeconfig) if kubeconfig else None, context=context)
    except (load.ConfigException, yaml.YAMLError) as error:
        # An error of YAML has several lines; one of a kubeconfig begins with a phrase of the client's.
        reason = " ".join(str(error).removeprefix("Invalid kube-config file. ").split()).rstrip(".")
        raise KubernetesApiError(f"no valid kubeconfig: {reason}", status=UNREACHABLE, reason=NO_KUBECONFIG) from None


def _cluster(kubeconfig: Path | dict[str, Any] | None, context: str | None, *, in_pod: bool, api_client: Any) -> str:
    """Which cluster a client is of, in words."""
    address = str(api_client.configuration.host)
    if in_pod:
        return f"of this pod, {address}"
    if isinstance(kubeconfig, dict):
        contexts: list[dict[str, Any]] = kubeconfig.get("contexts") or []
        current = str(kubeconfig.get("current-context"))
    else:
        contexts, active = _library().config.list_kube_config_contexts(str(kubeconfig) if kubeconfig else None)
        current = str(active["name"])
    name = context or current
    cluster = next((str(one["context"]["cluster"]) for one in contexts if one["name"] == name), name)
    return f"{cluster}, context {name}, {address}"


def _in_a_pod() -> bool:
    return "KUBERNETES_SERVICE_HOST" in os.environ and "KUBECONFIG" not in os.environ


def _checked(operation: Any, *arguments: Any, **options: Any) -> Any:
    """Calls the client, and raises its errors as KubernetesApiError with the API server's message."""
    try:
        return operation(*arguments, **options)
    except _library().dynamic.exceptions.DynamicApiError as error:
        message, reason = str(error.body or error.reason), str(error.reason)
        try:
            status = json.loads(error.body)
            message, reason = str(status["message"]), str(status["reason"])
        except (TypeError, ValueError, KeyError):
            pass  # not a Status object, e.g. a proxy's response: its text is the message
        raise KubernetesApiError(message, status=int(error.status), reason=reason) from None
    except HTTPError as error:
        raise _unreachable(error) from None


def _unreachable(error: HTTPError) -> KubernetesApiError:
    """The error of a request without a response: the address, and the reason."""
    pool: Any = getattr(error, "conn", None) or getattr(error, "pool", None)
    source = f" from {pool.host}:{pool.port}" if pool is not None else ""
    return KubernetesApiError(f"no answer{source}: {error_reason(error)}", status=UNREACHABLE, reason="Unreachable")


def error_reason(error: HTTPError) -> str:
    """The reason of an HTTP error, without the representations of Python objects in urllib3's message."""
    reason = str(error.reason if isinstance(error, MaxRetryError) else error)
    return re.sub(r"^\S+(\(.*?\)| object at \w+>): ", "", reason)
