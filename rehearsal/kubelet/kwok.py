"""Objects that configure kwok's kubelet server: the log files of pods, their ports, and their resource usage.

https://kwok.sigs.k8s.io/docs/user/logs-configuration/, https://kwok.sigs.k8s.io/docs/user/port-forward-configuration/
https://kwok.sigs.k8s.io/docs/user/resource-usage-configuration/
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from kube.client import KubernetesObject
from rehearsal.load import Load
from rehearsal.processes import previous

GROUP, VERSION = "kwok.x-k8s.io", "v1alpha1"

IDLE_CPU, IDLE_MEMORY = "1m", "16Mi"
"""Minimum usage of a container; metrics-server drops containers without usage."""


DEFINITIONS: Sequence[KubernetesObject] = tuple(
    yaml.safe_load_all(Path(__file__).with_name("definitions.yaml").read_text())
)
"""CustomResourceDefinitions of these kinds."""


def debugging(pod: KubernetesObject, files: Mapping[str, Path], address: str) -> Sequence[KubernetesObject]:
    """The `Logs` and `PortForward` objects of a pod, which owns them: its log files by container, and its ports."""
    meta = pod["metadata"]
    owner = {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]}
    containers = [
        {"containers": [name], "logsFile": str(log), "previousLogsFile": str(previous(log))}
        for name, log in files.items()
    ]
    ports = [port["containerPort"] for one in pod["spec"]["containers"] for port in one.get("ports", ())]
    forwards = [{"ports": [port], "target": {"address": address, "port": port}} for port in ports]
    metadata = {"name": meta["name"], "namespace": meta["namespace"], "ownerReferences": [owner]}
    specs = {"Logs": {"logs": containers}, "PortForward": {"forwards": forwards}}
    return [
        {"apiVersion": f"{GROUP}/{VERSION}", "kind": kind, "metadata": metadata, "spec": spec}
        for kind, spec in specs.items()
    ]


def usage(load: Load, services: Sequence[KubernetesObject]) -> KubernetesObject:
    """The `ClusterResourceUsage` object with the usage of all containers.

    CPU is `IDLE_CPU`, plus the load in per cent of the request if a Service that `load` names selects the pod. Memory
    is `IDLE_MEMORY` plus half of the request.
    """
    requested = "container.resources.requests"
    # Integers, since a quantity times a double is ten times too large in kwok.
    # https://github.com/kubernetes-sigs/kwok/blob/v0.8.0/pkg/utils/cel/quantity.go
    busy = "".join(
        f'{_selects(service)} ? {requested}["cpu"] * {round(load[key] * 10)} / 1000 : '
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


def _selects(service: KubernetesObject) -> str:
    """CEL expression: whether a Service selects the pod."""
    namespace = f"pod.metadata.namespace == {json.dumps(service['metadata']['namespace'])}"
    labels = (
        f"{key} in pod.metadata.labels && pod.metadata.labels[{key}] == {value}"
        for key, value in (map(json.dumps, label) for label in service["spec"]["selector"].items())
    )
    return " && ".join([namespace, *labels])
