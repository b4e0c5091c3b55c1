"""The Kubernetes nodes of an EKS managed node group, as its instances' kubelets would register them."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from itertools import cycle
from typing import Any, Literal

from rehearsal.errors import RehearsalError
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
        subnets: By the availability zones that its nodes take turns in, at least one, the IPv4 range of its subnet
            there.
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
    subnets: Mapping[str, str]
    capacity_type: Literal["ON_DEMAND", "SPOT"] = "ON_DEMAND"
    disk_gib: int = 20
    generation: int = 1


def nodes(group: NodeGroupSpec, there: Iterable[Mapping[str, Any]] = ()) -> list[dict[str, Any]]:
    """The group's Node objects, to be created as they are; the same for the same group, each time.

    A group that grows keeps its nodes and gets more behind them; one that shrinks loses the last.

    Args:
        group: The group.
        there: All Node objects that there are: an instance keeps its address, and gets no other's.

    Raises:
        RehearsalError: EC2 has no such instance type, or a subnet is full.
    """
    kind = instance_type(group.instance_type)
    zones = [zone for zone, _ in zip(cycle(group.subnets), range(group.desired), strict=False)]
    ids = [f"aws:///{zone}/{_instance_id(group, index)}" for index, zone in enumerate(zones)]
    held = {str(node["spec"].get("providerID")): _internal_ip(node) for node in there}
    free = {zone: _addresses(group, IPv4Network(cidr), set(held.values())) for zone, cidr in group.subnets.items()}
    return [
        _node(group, kind, provider_id, zone, held.get(provider_id) or next(free[zone]))
        for provider_id, zone in zip(ids, zones, strict=True)
    ]


def node_names(group: NodeGroupSpec) -> list[str]:
    """The names of the group's nodes, in order, where there are no others."""
    return [str(node["metadata"]["name"]) for node in nodes(group)]


def _node(
    group: NodeGroupSpec, kind: InstanceType, provider_id: str, zone: str, address: IPv4Address
) -> dict[str, Any]:
    name = _host_name(group, address)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": _labels(group, kind, name, zone)},
        "spec": {
            "providerID": provider_id,
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


def _addresses(group: NodeGroupSpec, subnet: IPv4Network, taken: Container[object]) -> Iterator[IPv4Address]:
    """The subnet's free addresses, from one on that follows from the group and its generation.

    AWS keeps the first four and the last for itself.
    https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html

    Raises:
        RehearsalError: There is none any more.
    """
    start, hosts = int.from_bytes(_digest(_instances(group))[:4]), subnet.num_addresses - 5
    for index in range(hosts):
        address = subnet[4 + (start + index) % hosts]
        if address not in taken:
            yield address
    raise RehearsalError(
        f"Subnet {subnet} has no address left for a node of group {group.name}.", remedy="make the group smaller."
    )


def _internal_ip(node: Mapping[str, Any]) -> IPv4Address | None:
    of_node = node.get("status", {}).get("addresses", [])
    return next((IPv4Address(one["address"]) for one in of_node if one["type"] == "InternalIP"), None)


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
