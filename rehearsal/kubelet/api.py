"""The kubelet's client of the API server."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from kube.client import KubernetesApi, KubernetesApiError, KubernetesObject
from rehearsal.kubelet.environment import Objects

EVENT_SECONDS = 300.0
"""Seconds in which the same warning is not repeated."""


def now() -> str:
    """The current time in the API's format."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Api(KubernetesApi):
    """A client of the API server.

    All methods but `event` raise `KubernetesApiError` if the API server rejects a request, or does not answer.
    """

    def __init__(self, kubeconfig: Path) -> None:
        super().__init__(kubeconfig)
        self._events: dict[tuple[str, str, str], float] = {}

    def objects(self, namespace: str) -> Objects:
        """The ConfigMaps and Secrets of a namespace."""
        return lambda kind, name: self.get("v1", kind, name, namespace)

    def token(self, pod: KubernetesObject, audience: str, seconds: int) -> str:
        """A token of the pod's service account, bound to the pod.

        https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
        """
        meta = pod["metadata"]
        bound = {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]}
        spec = {"audiences": [audience] if audience else [], "expirationSeconds": seconds, "boundObjectRef": bound}
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        account = pod["spec"].get("serviceAccountName") or "default"
        request = self.subresource("create", "ServiceAccount/token", account, meta["namespace"], body)
        return str(request["status"]["token"])

    def event(self, pod: KubernetesObject, reason: str, message: str) -> None:
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
            self.create(body)
        except KubernetesApiError as error:
            print(f"{meta['namespace']}/{meta['name']}: {reason}: {message} ({error})", flush=True)
