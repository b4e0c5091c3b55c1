"""State of nodes, slots and log workloads, read from the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contract import labels
from kube.client import KubernetesApi, KubernetesObject, has_condition
from rehearsal.first_release import targets
from release.slots import TEMPLATE_HASH, is_released, template_hash


@dataclass(frozen=True)
class NodeStatus:
    """A node, its condition `Ready`, and the number of its pods in all namespaces."""

    name: str
    environment: str
    zone: str
    instance_type: str
    ready: bool
    pods: int


@dataclass(frozen=True, kw_only=True)
class WorkloadStatus:
    """A Deployment, StatefulSet or DaemonSet: ready pods, desired pods, and the names of the nodes with its pods."""

    namespace: str
    kind: str
    name: str
    ready: int
    wanted: int
    nodes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SlotStatus(WorkloadStatus):
    """A slot of a service; `namespace` is its environment.

    Attributes:
        live: Whether the service's Service selects this slot.
        image: The image; None before the first release.
        is_outdated: Whether it runs an older template than the service's PodTemplate.
    """

    service: str
    slot: str
    live: bool
    image: str | None
    is_outdated: bool


def nodes(api: KubernetesApi) -> list[NodeStatus]:
    """All nodes, sorted by environment and name."""
    pods = api.list("v1", "Pod")
    found = [_node(node, pods) for node in api.list("v1", "Node")]
    return sorted(found, key=lambda node: (node.environment, node.name))


def slot_table(api: KubernetesApi, outputs: Mapping[str, Any]) -> list[SlotStatus]:
    """Both slots of every service in every environment, from the stack's outputs as plain values."""
    pods = api.list("v1", "Pod")
    table: list[SlotStatus] = []
    templates = {
        (one["metadata"]["namespace"], one["metadata"]["name"]): template_hash(one)
        for one in api.list("v1", "PodTemplate")
    }
    for target in targets(outputs):
        active = api.get("v1", "Service", target.service, target.namespace)
        live = active["spec"]["selector"].get(labels.SLOT) if active else None
        for slot, name in target.deployments.items():
            deployment = api.get("apps/v1", "Deployment", name, target.namespace)
            if deployment is not None:
                template = deployment["spec"]["template"]
                image = str(template["spec"]["containers"][0]["image"])
                newest = templates.get((target.namespace, target.service))
                one = SlotStatus(
                    **vars(_workload(deployment, "Deployment", pods)),
                    service=target.service,
                    slot=slot,
                    live=slot == live,
                    image=image if is_released(deployment) else None,
                    is_outdated=template["metadata"].get("annotations", {}).get(TEMPLATE_HASH) != newest,
                )
                table.append(one)
    return table


def logs(api: KubernetesApi, outputs: Mapping[str, Any]) -> list[WorkloadStatus]:
    """Workloads of the logging stack: Fluentd, and what the ECK operator creates for Elasticsearch and Kibana."""
    pods = api.list("v1", "Pod")
    efk = outputs["efk"]
    return [
        _workload(one, kind, pods)
        for namespace in (efk["namespace"], efk["collector"]["namespace"])
        for kind in ("StatefulSet", "Deployment", "DaemonSet")
        for one in api.list("apps/v1", kind, namespace=namespace)
    ]


def _workload(workload: KubernetesObject, kind: str, pods: list[KubernetesObject]) -> WorkloadStatus:
    namespace, name = str(workload["metadata"]["namespace"]), str(workload["metadata"]["name"])
    selector: dict[str, str] = workload["spec"]["selector"]["matchLabels"]
    ours = [
        pod["spec"]
        for pod in pods
        if pod["metadata"]["namespace"] == namespace and selector.items() <= pod["metadata"].get("labels", {}).items()
    ]
    state: dict[str, Any] = workload.get("status", {})
    daemons = kind == "DaemonSet"
    return WorkloadStatus(
        namespace=namespace,
        kind=kind,
        name=name,
        ready=int(state.get("numberReady" if daemons else "readyReplicas", 0)),
        wanted=int(state.get("desiredNumberScheduled", 0) if daemons else workload["spec"]["replicas"]),
        nodes=tuple(sorted({str(pod["nodeName"]) for pod in ours if pod.get("nodeName")})),
    )


def _node(node: KubernetesObject, pods: list[KubernetesObject]) -> NodeStatus:
    marks: dict[str, str] = node["metadata"].get("labels", {})
    name = str(node["metadata"]["name"])
    return NodeStatus(
        name=name,
        environment=marks.get(labels.ENVIRONMENT, ""),
        zone=marks.get("topology.kubernetes.io/zone", ""),
        instance_type=marks.get("node.kubernetes.io/instance-type", ""),
        ready=has_condition(node, "Ready"),
        pods=sum(pod["spec"].get("nodeName") == name for pod in pods),
    )
