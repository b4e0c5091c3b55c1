"""Objects that configure kwok's kubelet server: the log files of pods, and their resource usage.

https://kwok.sigs.k8s.io/docs/user/logs-configuration/
https://kwok.sigs.k8s.io/docs/user/resource-usage-configuration/
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from kube.client import KubernetesObject
from rehearsal.kubelet.containers import Logs
from rehearsal.load import Load

GROUP, VERSION = "kwok.x-k8s.io", "v1alpha1"

IDLE_CPU, IDLE_MEMORY = "1m", "16Mi"
"""Minimum usage of a container; metrics-server drops containers without usage."""


def definitions() -> list[KubernetesObject]:
    """CustomResourceDefinitions of both kinds; their schemas accept anything."""
    return [_definition("Logs", "logs", "Namespaced"), _definition("ClusterResourceUsage", "clusterresourceusages")]


def _definition(kind: str, plural: str, scope: str = "Cluster") -> KubernetesObject:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": scope,
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
            "versions": [{"name": VERSION, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def logs(pod: KubernetesObject, of: Mapping[str, Logs]) -> KubernetesObject:
    """The `Logs` object of a pod, which owns it."""
    meta = pod["metadata"]
    owner = {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]}
    told = [
        {"containers": [name], "logsFile": str(one.current), "previousLogsFile": str(one.previous)}
        for name, one in of.items()
    ]
    metadata = {"name": meta["name"], "namespace": meta["namespace"], "ownerReferences": [owner]}
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Logs", "metadata": metadata, "spec": {"logs": told}}


def usage(load: Load, services: Sequence[KubernetesObject]) -> KubernetesObject:
    """The `ClusterResourceUsage` object with the usage of all containers.

    CPU is `IDLE_CPU`, plus the load in per cent of the request if a Service that `load` names selects the pod. Memory
    is `IDLE_MEMORY` plus half of the request.
    """
    requested = "container.resources.requests"
    # Integers, since a quantity times a double is ten times too large in kwok.
    # https://github.com/kubernetes-sigs/kwok/blob/v0.8.0/pkg/utils/cel/quantity.go
    busy = "".join(
        f'{_leads_to(service)} ? {requested}["cpu"] * {round(load[key] * 10)} / 1000 : '
        for service in services
        if (key := f"{service['metadata']['namespace']}/{service['metadata']['name']}") in load
        and service["spec"].get("selector")
    )
    cpu = f'Quantity("{IDLE_CPU}") + ({busy}Quantity("0"))'
    memory = f'Quantity("{IDLE_MEMORY}") + {requested}["memory"] / 2'
    used = {"cpu": {"expression": cpu}, "memory": {"expression": memory}}
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "ClusterResourceUsage",
        "metadata": {"name": "load"},
        "spec": {"usages": [{"usage": used}]},
    }


def _leads_to(service: KubernetesObject) -> str:
    """CEL expression: whether a Service selects the pod."""
    namespace = f"pod.metadata.namespace == {json.dumps(service['metadata']['namespace'])}"
    labels = (
        f"{key} in pod.metadata.labels && pod.metadata.labels[{key}] == {value}"
        for key, value in ((json.dumps(one), json.dumps(two)) for one, two in service["spec"]["selector"].items())
    )
    return " && ".join([namespace, *labels])
