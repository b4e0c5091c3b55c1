"""What an EC2 instance of a type offers to pods on EKS, from the data that moto carries of EC2's own API."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from rehearsal.errors import RehearsalError

EVICTION_MEMORY_MIB = 100
"""The kubelet's hard eviction threshold `memory.available`."""


@dataclass(frozen=True)
class InstanceType:
    """An EC2 instance type.

    Attributes:
        name: E.g. `t3.large`.
        vcpus: Virtual CPUs.
        memory_mib: Memory in MiB. A running node reports some percent less, which its kernel and firmware take.
        interfaces: Network interfaces of the first network card, which is the one the VPC CNI uses.
        addresses: IPv4 addresses an interface can have.
        architecture: As Kubernetes names it: `amd64` or `arm64`.
    """

    name: str
    vcpus: int
    memory_mib: int
    interfaces: int
    addresses: int
    architecture: str

    @property
    def address_pods(self) -> int:
        """Pods that there are addresses for; two use the node's own (aws-node and kube-proxy).

        https://github.com/awslabs/amazon-eks-ami/blob/main/nodeadm/internal/kubelet/maxpods/maxpods.go
        """
        return self.interfaces * (self.addresses - 1) + 2

    @property
    def pods(self) -> int:
        """Pods that a managed node group lets the kubelet run: 110, or 250 from 30 vCPUs on, at most.

        https://docs.aws.amazon.com/eks/latest/userguide/cni-increase-ip-addresses-procedure.html
        """
        most = 110 if self.vcpus < 30 else 250  # noqa: PLR2004 - AWS's words, cited above
        return min(self.address_pods, most)

    @property
    def reserved_cpu_millis(self) -> int:
        """Thousandths of a CPU that AL2023's kubelet keeps for itself.

        6 % of the first CPU, 1 % of the second, 0.5 % of the third and fourth, 0.25 % of all others.
        https://github.com/awslabs/amazon-eks-ami/blob/main/nodeadm/internal/kubelet/config.go
        """
        total = self.vcpus * 1000
        steps = ((0, 1000, 600), (1000, 2000, 100), (2000, 4000, 50), (4000, max(4000, total), 25))
        return sum(max(0, min(total, end) - start) * share // 10_000 for start, end, share in steps)

    @property
    def reserved_memory_mib(self) -> int:
        """MiB that AL2023's kubelet keeps for itself: 255, and 11 for each pod that there are addresses for.

        https://github.com/awslabs/amazon-eks-ami/blob/main/nodeadm/internal/kubelet/config.go
        """
        return 255 + 11 * self.address_pods

    @property
    def allocatable_cpu_millis(self) -> int:
        """Thousandths of a CPU that pods can request on a node of this type."""
        return self.vcpus * 1000 - self.reserved_cpu_millis

    @property
    def allocatable_memory_mib(self) -> int:
        """MiB that pods can request on a node of this type; never below 0, as for the smallest type, `t2.nano`."""
        return max(0, self.memory_mib - self.reserved_memory_mib - EVICTION_MEMORY_MIB)


def instance_type(name: str) -> InstanceType:
    """An EC2 instance type by its name.

    Raises:
        RehearsalError: EC2 has no type of this name, as far as moto's data go.
    """
    described = _described().get(name)
    if described is None:
        raise RehearsalError(
            f"There is no EC2 instance type {name!r}.",
            remedy="correct the instance type in the stack's configuration, e.g. `t3.large`; or, where AWS has one of "
            "that name since lately, bring moto in requirements-dev.txt up to date.",
        )
    network = described["NetworkInfo"]
    architectures = described["ProcessorInfo"]["SupportedArchitectures"]
    return InstanceType(
        name=name,
        vcpus=described["VCpuInfo"]["DefaultVCpus"],
        memory_mib=described["MemoryInfo"]["SizeInMiB"],
        interfaces=network["NetworkCards"][network.get("DefaultNetworkCardIndex", 0)]["MaximumNetworkInterfaces"],
        addresses=network["Ipv4AddressesPerInterface"],
        architecture="arm64" if "arm64" in architectures else "amd64",
    )


@cache
def _described() -> dict[str, Any]:
    """Every type by its name, as EC2's DescribeInstanceTypes answers.

    Read from moto's file: importing `moto.ec2` takes seconds.
    """
    file = files("moto") / "ec2" / "resources" / "instance_types.json.gz"
    return json.loads(gzip.decompress(file.read_bytes()))
