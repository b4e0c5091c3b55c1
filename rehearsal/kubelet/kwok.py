"""What kwok, the nodes' server, is told by objects in the cluster: where a pod's output is, and how much pods use.

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
"""What every container uses at least: metrics-server drops what uses nothing."""


def definitions() -> list[KubernetesObject]:
    """The CustomResourceDefinitions of both kinds, as far as they are told apart from others."""
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
    """Where the output of a pod's containers is; it goes with the pod.

    Args:
        pod: The pod.
        of: The files, by container.
    """
    meta = pod["metadata"]
    owner = {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]}
    told = [
        {"containers": [name], "logsFile": str(one.current), "previousLogsFile": str(one.previous)}
        for name, one in of.items()
    ]
    metadata = {"name": meta["name"], "namespace": meta["namespace"], "ownerReferences": [owner]}
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Logs", "metadata": metadata, "spec": {"logs": told}}


def usage(load: Load, services: Sequence[KubernetesObject]) -> KubernetesObject:
    """How much all pods use: those that a busy service's active Service leads to its load, all others next to nothing.

    Every pod uses half of the memory that it requests.

    Args:
        load: How busy services are.
        services: All Services.
    """
    requested = "container.resources.requests"
    # In thousandths, as kwok's quantities know no fractions of a hundredth.
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
    """Whether a Service selects the pod, in CEL."""
    namespace = f"pod.metadata.namespace == {json.dumps(service['metadata']['namespace'])}"
    labels = (
        f"{key} in pod.metadata.labels && pod.metadata.labels[{key}] == {value}"
        for key, value in ((json.dumps(one), json.dumps(two)) for one, two in service["spec"]["selector"].items())
    )
    return " && ".join([namespace, *labels])
