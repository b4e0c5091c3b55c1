"""The kubelet's asynchronous client of the API server."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import kubernetes.client as kubernetes_client  # pyright: ignore[reportMissingTypeStubs]
import kubernetes.config as kubernetes_config  # pyright: ignore[reportMissingTypeStubs]
from urllib3.exceptions import HTTPError

from kube.client import REQUEST_SECONDS, KubernetesApi, KubernetesApiError, KubernetesObject
from rehearsal.kubelet.environment import Objects, Reference
from rehearsal.kubelet.files import Token

EVENT_SECONDS = 300.0
"""Seconds in which the same warning is not repeated."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


def now() -> str:
    """The current time in the API's format."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Api:
    """A client of the API server; requests run in threads.

    Args:
        kubeconfig: Kubeconfig of a user with a kubelet's permissions.

    Attributes:
        plain: The synchronous client, for `call`.
    """

    def __init__(self, kubeconfig: Path) -> None:
        self.plain = KubernetesApi(kubeconfig)
        rest: Any = cast("Any", kubernetes_config).new_client_from_config(str(kubeconfig))
        self._core: Any = kubernetes_client.CoreV1Api(rest)
        self._threads = ThreadPoolExecutor(16)
        self._said: dict[tuple[str, str, str], float] = {}

    async def call(self, operation: Callable[_P, _T], *arguments: _P.args, **options: _P.kwargs) -> _T:
        """Runs a blocking request in a thread and returns its result.

        Raises:
            KubernetesApiError: The API server rejects it, or does not answer.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: operation(*arguments, **options))

    async def objects(self, namespace: str, references: Iterable[Reference]) -> Objects:
        """The referenced objects of a namespace; None for each that does not exist.

        Raises:
            KubernetesApiError: The API server rejects a request, or does not answer.
        """
        wanted = list(references)
        found = await asyncio.gather(*(self.call(self.plain.get, "v1", kind, name, namespace) for kind, name in wanted))
        return dict(zip(wanted, found, strict=True))

    async def token(self, pod: KubernetesObject, wanted: Token) -> str:
        """A token of the pod's service account, bound to the pod.

        https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/

        Raises:
            KubernetesApiError: The API server rejects it, or does not answer.
        """
        audience, seconds = wanted
        meta = pod["metadata"]
        bound = {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]}
        spec = {"audiences": [audience] if audience else [], "expirationSeconds": seconds, "boundObjectRef": bound}
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        account = pod["spec"].get("serviceAccountName") or "default"
        made = await self._ask("create_namespaced_service_account_token", account, meta["namespace"], body)
        return str(made["status"]["token"])

    async def write_status(self, pod: KubernetesObject, status: dict[str, Any]) -> None:
        """Patches a pod's status.

        Raises:
            KubernetesApiError: The API server rejects it (also where another pod has the name by now), or does not
                answer.
        """
        meta = pod["metadata"]
        body = {"metadata": {"uid": meta["uid"]}, "status": status}
        await self._ask("patch_namespaced_pod_status", meta["name"], meta["namespace"], body)

    async def event(self, pod: KubernetesObject, reason: str, message: str) -> None:
        """Records a Warning event of a pod, the same one once in `EVENT_SECONDS`; prints it if that fails."""
        meta = pod["metadata"]
        told, since = (str(meta["uid"]), reason, message), time.monotonic()
        if since - self._said.get(told, -EVENT_SECONDS) < EVENT_SECONDS:
            return
        self._said[told] = since
        involved = {"apiVersion": "v1", "kind": "Pod", **{key: meta[key] for key in ("name", "namespace", "uid")}}
        body: KubernetesObject = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{meta['name']}.", "namespace": meta["namespace"]},
            "involvedObject": involved,
            "type": "Warning",
            "reason": reason,
            "message": message,
            "source": {"component": "kubelet", "host": pod["spec"].get("nodeName", "")},
            "firstTimestamp": now(),
            "lastTimestamp": now(),
            "count": 1,
        }
        try:
            await self.call(self.plain.create, body)
        except KubernetesApiError as error:
            print(f"{meta['namespace']}/{meta['name']}: {reason}: {message} ({error})", flush=True)

    async def _ask(self, operation: str, name: str, namespace: str, body: dict[str, Any]) -> dict[str, Any]:
        """Calls an operation that `KubernetesApi` does not have."""

        def asked() -> dict[str, Any]:
            try:
                answer = getattr(self._core, operation)(
                    name, namespace, body, _preload_content=False, _request_timeout=REQUEST_SECONDS
                )
            except kubernetes_client.ApiException as error:
                told = cast("Any", error)
                raise KubernetesApiError(str(told.body), status=int(told.status), reason=str(told.reason)) from None
            except (OSError, HTTPError) as error:
                raise KubernetesApiError(str(error), status=0, reason="Unreachable") from None
            return json.loads(answer.data)

        return await self.call(asked)
