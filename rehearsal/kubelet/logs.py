"""`kubectl logs`: kwok, which is the nodes' server, is told where a pod's output is.

https://kwok.sigs.k8s.io/docs/user/logs-configuration/
"""

from __future__ import annotations

from collections.abc import Mapping

from rehearsal.kubelet.containers import Logs
from release.kubernetes_api import KubernetesObject

GROUP = "kwok.x-k8s.io"
KIND = "Logs"
PLURAL = f"logs.{GROUP}"


def definition() -> KubernetesObject:
    """The CustomResourceDefinition of `Logs`: as kwok's own, without what is only said of it."""
    log = {
        "type": "object",
        "properties": {
            "containers": {"type": "array", "items": {"type": "string"}},
            "logsFile": {"type": "string"},
            "previousLogsFile": {"type": "string"},
        },
    }
    spec = {"type": "object", "properties": {"logs": {"type": "array", "items": log}}}
    schema = {"type": "object", "properties": {"spec": spec}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": PLURAL},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"kind": KIND, "listKind": "LogsList", "plural": "logs", "singular": "logs"},
            "versions": [{"name": "v1alpha1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def where(pod: KubernetesObject, logs: Mapping[str, Logs]) -> KubernetesObject:
    """What tells kwok where the output of a pod's containers is; it goes with the pod.

    Args:
        pod: The pod.
        logs: Of its containers, by name.
    """
    meta = pod["metadata"]
    owner = {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]}
    told = [
        {"containers": [name], "logsFile": str(one.current), "previousLogsFile": str(one.previous)}
        for name, one in logs.items()
    ]
    return {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": KIND,
        "metadata": {"name": meta["name"], "namespace": meta["namespace"], "ownerReferences": [owner]},
        "spec": {"logs": told},
    }
