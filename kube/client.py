"""A typed face of the Kubernetes dynamic client: plain objects in, plain objects out, one error type."""

from __future__ import annotations

import json
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

import kubernetes.client as kubernetes_client  # pyright: ignore[reportMissingTypeStubs]
import kubernetes.config as kubernetes_config  # pyright: ignore[reportMissingTypeStubs]
import yaml
from kubernetes.dynamic import DynamicClient  # pyright: ignore[reportMissingTypeStubs]
from kubernetes.dynamic.exceptions import (  # pyright: ignore[reportMissingTypeStubs]
    DynamicApiError,
    ResourceNotFoundError,
)
from kubernetes.watch import Watch  # pyright: ignore[reportMissingTypeStubs]
from urllib3.exceptions import HTTPError, MaxRetryError

KubernetesObject: TypeAlias = dict[str, Any]
"""A Kubernetes object as its API's JSON: `apiVersion`, `kind`, `metadata`, and what its kind has."""

NOT_FOUND = 404

METADATA_ONLY = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"

UNREACHABLE = 0
"""Status of a request without an answer: a time-out, a connection refused or cut."""

NO_KUBECONFIG = "NoKubeconfig"
"""Reason of an error that no second try mends."""

REQUEST_SECONDS = 15
"""After this a request without an answer is given up."""


class KubernetesApiError(Exception):
    """The API server refused a request, in its own words; or it could not be asked.

    Attributes:
        status: HTTP status code; `UNREACHABLE` where there was no answer.
        reason: Kubernetes' reason, e.g. `Invalid`, `Conflict`, `Forbidden`.
    """

    def __init__(self, message: str, *, status: int, reason: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class KubernetesApi:
    """The API server that a kubeconfig names.

    Attributes:
        in_pod: Whether this runs in a pod of its cluster, and acts as its service account: Services have names here.

    Args:
        kubeconfig: A path, or the parsed kubeconfig itself; None for what kubectl would take: `KUBECONFIG`, the file in
            the home directory, or the service account of the pod that this runs in.
        context: A context of the kubeconfig; its current one by default.

    Raises:
        KubernetesApiError: There is no kubeconfig, or it cannot be used.
    """

    def __init__(self, kubeconfig: Path | dict[str, Any] | None, *, context: str | None = None) -> None:
        self.in_pod = kubeconfig is None and context is None and _in_a_pod()
        api_client = _api_client(kubeconfig, context)
        self._rest: Any = api_client
        self._discovery = threading.Lock()
        # The client's default discovery cache is one file a host and port in the temporary directory, and would
        # answer for a control plane that is gone: a file of this process alone instead.
        handle, discovery_cache = tempfile.mkstemp(prefix="discovery-", suffix=".json")
        os.close(handle)
        Path(discovery_cache).unlink()
        try:
            self._client: Any = _answering(cast("Any", DynamicClient), api_client, cache_file=discovery_cache)
        finally:
            Path(discovery_cache).unlink(missing_ok=True)

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> KubernetesObject | None:
        """The object, or None where there is none."""
        try:
            found = self._call("get", api_version, kind, name=name, namespace=namespace)
        except KubernetesApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise
        return found

    def list(
        self,
        api_version: str,
        kind: str,
        *,
        namespace: str | None = None,
        label_selector: str | None = None,
        metadata_only: bool = False,
    ) -> list[KubernetesObject]:
        """All objects of a kind, in one namespace or in all. Each carries its `apiVersion` and `kind`.

        Args:
            api_version: E.g. `apps/v1`.
            kind: E.g. `Deployment`.
            namespace: Only this one.
            label_selector: Only what it selects.
            metadata_only: Leaves out all but the metadata.
                https://kubernetes.io/docs/reference/using-api/api-concepts/#metadata-only-fetches
        """
        options: dict[str, Any] = {"header_params": {"Accept": METADATA_ONLY}} if metadata_only else {}
        found = self._call("get", api_version, kind, namespace=namespace, label_selector=label_selector, **options)
        return [{**item, "apiVersion": api_version, "kind": kind} for item in found["items"]]

    def create(self, body: KubernetesObject) -> KubernetesObject:
        """Creates an object; its metadata names it."""
        return self._call("create", body["apiVersion"], body["kind"], body=body, namespace=_namespace(body))

    def apply(
        self, body: KubernetesObject, *, field_manager: str, force: bool = False, dry_run: bool = False
    ) -> KubernetesObject:
        """Server-side apply: the fields in `body` become `field_manager`'s.

        https://kubernetes.io/docs/reference/using-api/server-side-apply/

        Raises:
            KubernetesApiError: Among others a `Conflict` with another manager's fields, unless `force`.
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
    ) -> KubernetesObject:
        """Applies a JSON Patch (RFC 6902); a `test` that does not hold refuses the whole of it, with status 422."""
        return self._call(
            "patch",
            api_version,
            kind,
            name=name,
            namespace=namespace,
            body=patch,
            content_type="application/json-patch+json",
            field_manager=field_manager,
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
        """Asks for an object's deletion; one that is already gone is no error. Does not wait.

        With `grace_seconds` of 0 a pod is gone at once, whatever its node says.
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
        """Asks for a pod's end as `kubectl drain` does; one that is already gone is no error. Does not wait.

        Raises:
            KubernetesApiError: Among others a `TooManyRequests` while a PodDisruptionBudget forbids it.
        """
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": namespace}}
        try:
            _answering(self._resource("v1", "Pod").subresources["eviction"].create, body, name, namespace)
        except KubernetesApiError as error:
            if error.status != NOT_FOUND:
                raise

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
        """Yields each event's type (`ADDED`, `MODIFIED`, `DELETED`) and object, for `timeout` seconds at most.

        What exists already comes first, as `ADDED`.
        """
        resource = self._resource(api_version, kind)
        stream = cast("Any", Watch()).stream(
            resource.get,
            namespace=namespace,
            field_selector=f"metadata.name={name}" if name else None,
            label_selector=label_selector,
            serialize=False,
            timeout_seconds=timeout,
            _request_timeout=timeout + REQUEST_SECONDS,
        )
        events = cast("Iterator[Any]", stream)
        while (event := _answering(next, events, None)) is not None:
            yield event["type"], cast("KubernetesObject", event["raw_object"])

    def service_proxy(self, namespace: str, service: str, path: str, *, timeout: float) -> tuple[int, str]:
        """What a Service's pod answers to a GET that goes through the API server: HTTP status and body.

        https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/

        Args:
            namespace: Of the Service.
            service: `NAME` or `NAME:PORT-NAME`.
            path: Path on it, with a leading slash.
            timeout: Seconds.
        """
        try:
            answer = self._rest.call_api(
                f"/api/v1/namespaces/{namespace}/services/{service}/proxy{path}",
                "GET",
                auth_settings=["BearerToken"],
                _preload_content=False,
                _return_http_data_only=True,
                _request_timeout=timeout,
            )
        except kubernetes_client.ApiException as error:
            return int(cast("Any", error).status), str(cast("Any", error).body)
        except HTTPError as error:
            raise _unreachable(error) from None
        return int(answer.status), answer.data.decode(errors="replace")

    def is_namespaced(self, api_version: str, kind: str) -> bool:
        """Whether objects of this kind live in a namespace.

        Raises:
            KubernetesApiError: The API server knows no such kind.
        """
        return bool(self._resource(api_version, kind).namespaced)

    def _resource(self, api_version: str, kind: str) -> Any:
        # Without it the client asks every group that has this version, and fails where one of them is just going.
        prefix = "apis" if "/" in api_version else "api"
        try:
            # Who looks for a kind that is not there asks for all of them again: meanwhile nobody would find any.
            with self._discovery:
                return _answering(self._client.resources.get, prefix=prefix, api_version=api_version, kind=kind)
        except ResourceNotFoundError:
            raise KubernetesApiError(
                f'no matches for kind "{kind}" in version "{api_version}"', status=NOT_FOUND, reason="NoKindMatch"
            ) from None

    def _call(self, verb: str, api_version: str, kind: str, **arguments: Any) -> KubernetesObject:
        operation = getattr(self._resource(api_version, kind), verb)
        # Not serialised: the client's own objects of a hundred pods take longer than the request.
        answer = _answering(operation, serialize=False, _request_timeout=REQUEST_SECONDS, **arguments)
        return cast("KubernetesObject", json.loads(answer.data))


def _namespace(body: KubernetesObject) -> str | None:
    return cast("str | None", body["metadata"].get("namespace"))


def _api_client(kubeconfig: Path | dict[str, Any] | None, context: str | None) -> Any:
    load = cast("Any", kubernetes_config)
    if isinstance(kubeconfig, dict):
        return load.new_client_from_config_dict(kubeconfig, context=context)
    try:
        if kubeconfig is None and context is None and _in_a_pod():
            configuration: Any = kubernetes_client.Configuration()
            load.load_incluster_config(configuration)
            return kubernetes_client.ApiClient(configuration)
        return load.new_client_from_config(str(kubeconfig) if kubeconfig else None, context=context)
    except (load.ConfigException, yaml.YAMLError) as error:
        # What is wrong in a file of YAML takes several lines; in a kubeconfig it begins with the client's own words.
        why = " ".join(str(error).removeprefix("Invalid kube-config file. ").split()).rstrip(".")
        raise KubernetesApiError(f"no kubeconfig to go by: {why}", status=UNREACHABLE, reason=NO_KUBECONFIG) from None


def _in_a_pod() -> bool:
    return "KUBERNETES_SERVICE_HOST" in os.environ and "KUBECONFIG" not in os.environ


def _answering(operation: Any, *arguments: Any, **options: Any) -> Any:
    """Calls the client, turning its errors into ours with the API server's own message."""
    try:
        return operation(*arguments, **options)
    except DynamicApiError as error:
        answer = cast("Any", error)
        message, reason = str(answer.body or answer.reason), str(answer.reason)
        try:
            status = json.loads(answer.body)
            message, reason = str(status["message"]), str(status["reason"])
        except (TypeError, ValueError, KeyError):
            pass  # not a Status object, e.g. a proxy's answer: its text as it came
        raise KubernetesApiError(message, status=int(answer.status), reason=reason) from None
    except kubernetes_client.ApiException as error:  # a watch's own
        told = cast("Any", error)
        raise KubernetesApiError(str(told.reason), status=int(told.status), reason="Watch") from None
    except HTTPError as error:
        raise _unreachable(error) from None


def _unreachable(error: HTTPError) -> KubernetesApiError:
    """From where there was no answer and why."""
    pool: Any = getattr(error, "pool", None)
    where = f" from {pool.host}:{pool.port}" if pool is not None else ""
    return KubernetesApiError(f"no answer{where}: {plain(error)}", status=UNREACHABLE, reason="Unreachable")


def plain(error: HTTPError) -> str:
    """Why nothing answered, without the client's objects, which its own words name."""
    why = str(error.reason if isinstance(error, MaxRetryError) else error)
    return re.sub(r"^\S+(\(.*?\)| object at \w+>): ", "", why)
