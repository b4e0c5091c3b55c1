"""Kubernetes nodes of an EKS managed node group, as kubelets register them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from config.instance_types import InstanceType, instance_types
from rehearsal.toolchain.tools import KUBERNETES

KUBELET_STORAGE_GIB = 1
"""Disk that AL2023's kubelet reserves (github.com/awslabs/amazon-eks-ami, nodeadm/internal/kubelet/config.go)."""

EVICTION_STORAGE_PERCENT = 10
"""The kubelet's hard eviction threshold `nodefs.available`, in percent of the disk."""


@dataclass(frozen=True)
class Taint:
    """A taint with the effects as Kubernetes spells them; EKS's API has `NO_SCHEDULE` and so on.

    https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
    """

    key: str
    value: str
    effect: str


@dataclass(frozen=True)
class NodeGroupSpec:
    """A managed node group.

    Attributes:
        labels: Labels besides those that EKS and the kubelet set, e.g. `{"environment": "dev"}`.
        subnets: Subnet ids by availability zone, at least one; the nodes are spread over them in turn.
        template: Id of the launch template; empty without one.
        generation: Version of the launch template; EKS replaces all instances for a new one.
        release: Release of the AMI; likewise. Empty for EKS' own choice.
        security_group: Id of the cluster security group, which EKS attaches to the instances.
    """

    name: str
    instance_type: str
    desired: int
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    region: str
    subnets: Mapping[str, str]
    capacity_type: Literal["ON_DEMAND", "SPOT"] = "ON_DEMAND"
    disk_gib: int = 20
    template: str = ""
    generation: int = 1
    release: str = ""
    cluster: str = ""
    security_group: str = ""


@dataclass(frozen=True)
class Instance:
    """An EC2 instance of a node group; `name` is its private DNS name, which is also the node's name."""

    id: str
    zone: str
    address: str
    name: str


def node(group: NodeGroupSpec, instance: Instance) -> dict[str, Any]:
    """The Node object of an instance."""
    kind, name = instance_types()[group.instance_type], instance.name
    version = group.release.partition("-")[0] or KUBERNETES.version
    storage_mib = group.disk_gib * 1024 * (100 - EVICTION_STORAGE_PERCENT) // 100 - KUBELET_STORAGE_GIB * 1024
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": _labels(group, kind, name, instance.zone),
            "annotations": metrics_path(name),
        },
        "spec": {
            "providerID": f"aws:///{instance.zone}/{instance.id}",
            **({"taints": [asdict(taint) for taint in group.taints]} if group.taints else {}),
        },
        "status": {
            "capacity": {
                "cpu": str(kind.vcpus),
                "memory": f"{kind.memory_mib}Mi",
                "pods": str(kind.pods),
                "ephemeral-storage": f"{group.disk_gib}Gi",
            },
            "allocatable": {
                "cpu": f"{kind.allocatable_cpu_millis}m",
                "memory": f"{kind.allocatable_memory_mib}Mi",
                "pods": str(kind.pods),
                "ephemeral-storage": f"{max(0, storage_mib)}Mi",
            },
            "addresses": [
                {"type": "InternalIP", "address": instance.address},
                {"type": "Hostname", "address": name},
                {"type": "InternalDNS", "address": name},
            ],
            "nodeInfo": {
                "architecture": kind.architecture,
                "operatingSystem": "linux",
                "osImage": "Amazon Linux 2023 (rehearsal)",
                "kernelVersion": "rehearsal",
                "containerRuntimeVersion": "kwok://rehearsal",
                "kubeletVersion": f"v{version}",
                "kubeProxyVersion": f"v{version}",
                "machineID": "",
                "systemUUID": "",
                "bootID": "",
            },
        },
    }


def metrics_path(name: str) -> dict[str, str]:
    """The annotation by which metrics-server finds KWOK's metrics of a node.

    https://github.com/kubernetes-sigs/metrics-server/blob/v0.9.0/pkg/scraper/client/resource/client.go
    """
    return {"metrics.k8s.io/resource-metrics-path": f"/metrics/nodes/{name}/metrics/resource"}


def _labels(group: NodeGroupSpec, kind: InstanceType, name: str, zone: str) -> dict[str, str]:
    """The group's labels, and those of the kubelet, the cloud provider and EKS.

    https://kubernetes.io/docs/reference/labels-annotations-taints/
    https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html
    """
    return {
        **group.labels,
        "eks.amazonaws.com/capacityType": group.capacity_type,
        "eks.amazonaws.com/nodegroup": group.name,
        "kubernetes.io/arch": kind.architecture,
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": kind.name,
        "topology.kubernetes.io/region": group.region,
        "topology.kubernetes.io/zone": zone,
    }
