"""The kubelet's asynchronous client of the API server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from kube.client import KubernetesApi, KubernetesApiError, KubernetesObject
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

    All methods but `event` raise `KubernetesApiError` if the API server rejects a request, or does not answer.

    Attributes:
        plain: The synchronous client, for `call`.
    """

    def __init__(self, kubeconfig: Path) -> None:
        self.plain = KubernetesApi(kubeconfig)
        self._threads = ThreadPoolExecutor(16)
        self._events: dict[tuple[str, str, str], float] = {}

    async def call(self, operation: Callable[_P, _T], *arguments: _P.args, **options: _P.kwargs) -> _T:
        """Runs a blocking request in a thread and returns its result."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: operation(*arguments, **options))

    async def objects(self, namespace: str, references: Iterable[Reference]) -> Objects:
        """The referenced objects of a namespace; None for each that does not exist."""
        keys = list(references)
        objects = await asyncio.gather(*(self.call(self.plain.get, "v1", kind, name, namespace) for kind, name in keys))
        return dict(zip(keys, objects, strict=True))

    async def token(self, pod: KubernetesObject, token: Token) -> str:
        """A token of the pod's service account, bound to the pod.

        https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
        """
        audience, seconds = token
        meta = pod["metadata"]
        bound = {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]}
        spec = {"audiences": [audience] if audience else [], "expirationSeconds": seconds, "boundObjectRef": bound}
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        account = pod["spec"].get("serviceAccountName") or "default"
        request = await self.call(
            self.plain.subresource, "create", "ServiceAccount/token", account, meta["namespace"], body
        )
        return str(request["status"]["token"])

    async def write_status(self, pod: KubernetesObject, status: dict[str, Any]) -> None:
        """Patches a pod's status. Another pod of the same name is a conflict."""
        meta = pod["metadata"]
        body = {"metadata": {"uid": meta["uid"]}, "status": status}
        await self.call(self.plain.subresource, "patch", "Pod/status", meta["name"], meta["namespace"], body)

    async def event(self, pod: KubernetesObject, reason: str, message: str) -> None:
        """Records a Warning event of a pod, the same one once in `EVENT_SECONDS`; prints it if that fails."""
        meta = pod["metadata"]
        event, time_now = (str(meta["uid"]), reason, message), time.monotonic()
        if time_now - self._events.get(event, -EVENT_SECONDS) < EVENT_SECONDS:
            return
        self._events[event] = time_now
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
