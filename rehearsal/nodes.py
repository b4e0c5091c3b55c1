"""The Kubernetes nodes of an EKS managed node group, as its instances' kubelets would register them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any, Literal

from rehearsal.instance_types import InstanceType, instance_type
from rehearsal.toolchain.tools import KUBERNETES

KUBELET_STORAGE_GIB = 1
"""Disk that AL2023's kubelet keeps (https://github.com/awslabs/amazon-eks-ami, nodeadm/internal/kubelet/config.go)."""

EVICTION_STORAGE_PERCENT = 10
"""The kubelet's hard eviction threshold `nodefs.available`, in percent of the disk."""


@dataclass(frozen=True)
class Taint:
    """A taint in Kubernetes' own terms. EKS's API spells the effects `NO_SCHEDULE` and so on.

    https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
    """

    key: str
    value: str
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]


@dataclass(frozen=True)
class NodeGroupSpec:
    """A managed node group.

    Attributes:
        name: The node group's name in EKS.
        instance_type: EC2 instance type of all its nodes, e.g. `t3.large`.
        desired: How many nodes there are.
        labels: Labels on top of those that EKS and the kubelet set, e.g. `{"environment": "dev"}`.
        taints: Taints of all its nodes.
        region: AWS region, e.g. `ap-northeast-2`.
        zones: Availability zones that its nodes take turns in; at least one.
        capacity_type: How its instances are bought.
        disk_gib: Size of a node's disk in GiB.
        generation: Which instances these are: EKS replaces all of them for a new version of the launch template.
    """

    name: str
    instance_type: str
    desired: int
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    region: str
    zones: tuple[str, ...]
    capacity_type: Literal["ON_DEMAND", "SPOT"] = "ON_DEMAND"
    disk_gib: int = 20
    generation: int = 1


def nodes(group: NodeGroupSpec) -> list[dict[str, Any]]:
    """The group's Node objects, to be created as they are; the same for the same group, each time.

    A group that grows keeps its nodes and gets more behind them; one that shrinks loses the last.

    Raises:
        RehearsalError: EC2 has no such instance type.
    """
    kind = instance_type(group.instance_type)
    return [_node(group, kind, index) for index in range(group.desired)]


def node_names(group: NodeGroupSpec) -> list[str]:
    """The names of the group's nodes, in order."""
    return [_host_name(group, _address(group, index)) for index in range(group.desired)]


def _node(group: NodeGroupSpec, kind: InstanceType, index: int) -> dict[str, Any]:
    address = _address(group, index)
    name = _host_name(group, address)
    zone = group.zones[index % len(group.zones)]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": _labels(group, kind, name, zone)},
        "spec": {
            "providerID": f"aws:///{zone}/{_instance_id(group, index)}",
            **({"taints": [_taint(taint) for taint in group.taints]} if group.taints else {}),
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
                "ephemeral-storage": f"{_allocatable_storage_mib(group.disk_gib)}Mi",
            },
            "addresses": [
                {"type": "InternalIP", "address": str(address)},
                {"type": "Hostname", "address": name},
                {"type": "InternalDNS", "address": name},
            ],
            "nodeInfo": {
                "architecture": kind.architecture,
                "operatingSystem": "linux",
                "osImage": "Amazon Linux 2023 (rehearsal)",
                "kernelVersion": "rehearsal",
                "containerRuntimeVersion": "kwok://rehearsal",
                "kubeletVersion": f"v{KUBERNETES.version}",
                "kubeProxyVersion": f"v{KUBERNETES.version}",
                "machineID": "",
                "systemUUID": "",
                "bootID": "",
            },
        },
    }


def _labels(group: NodeGroupSpec, kind: InstanceType, name: str, zone: str) -> dict[str, str]:
    """The group's labels, and those that the kubelet, the cloud provider and EKS set.

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


def _taint(taint: Taint) -> dict[str, str]:
    return {"key": taint.key, "value": taint.value, "effect": taint.effect}


def _allocatable_storage_mib(disk_gib: int) -> int:
    return max(0, disk_gib * 1024 * (100 - EVICTION_STORAGE_PERCENT) // 100 - KUBELET_STORAGE_GIB * 1024)


def _address(group: NodeGroupSpec, index: int) -> IPv4Address:
    """An address in 10.0.0.0/8 that follows from the group and its generation: its nodes' addresses stand in a row."""
    start = int.from_bytes(_digest(_instances(group))[:3])
    return IPv4Address("10.0.0.0") + (start + index) % 2**24


def _host_name(group: NodeGroupSpec, address: IPv4Address) -> str:
    """The name that EC2 gives to an instance by its address.

    https://docs.aws.amazon.com/vpc/latest/userguide/vpc-dns.html
    """
    domain = "ec2.internal" if group.region == "us-east-1" else f"{group.region}.compute.internal"
    return f"ip-{str(address).replace('.', '-')}.{domain}"


def _instance_id(group: NodeGroupSpec, index: int) -> str:
    return f"i-{_digest(f'{_instances(group)}/{index}').hex()[:17]}"


def _instances(group: NodeGroupSpec) -> str:
    return group.name if group.generation == 1 else f"{group.name}@{group.generation}"


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
