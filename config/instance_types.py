"""EC2 instance types, and what a node of each offers to pods on EKS.

`instance_types.csv` has data of EC2's DescribeInstanceTypes, from the package moto; `config.instance_types_table`
writes it.
"""

from __future__ import annotations

import csv
import difflib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_suffix(".csv")

EVICTION_MEMORY_MIB = 100
"""The kubelet's hard eviction threshold `memory.available`."""


@dataclass(frozen=True)
class InstanceType:
    """An EC2 instance type.

    Attributes:
        name: E.g. `t3.large`.
        vcpus: Virtual CPUs.
        memory_mib: Memory in MiB. A running node reports a few percent less, which its kernel and firmware take.
        interfaces: Network interfaces of the first network card, which is the one the VPC CNI uses.
        addresses: IPv4 addresses per interface.
        architecture: Kubernetes' name of it, `amd64` or `arm64`.
    """

    name: str
    vcpus: int
    memory_mib: int
    interfaces: int
    addresses: int
    architecture: str

    @property
    def address_pods(self) -> int:
        """Number of pods with an address; aws-node and kube-proxy use the node's own.

        https://github.com/awslabs/amazon-eks-ami/blob/main/nodeadm/internal/kubelet/maxpods/maxpods.go
        """
        return self.interfaces * (self.addresses - 1) + 2

    @property
    def pods(self) -> int:
        """Maximum number of pods on a managed node: at most 110, or 250 from 30 vCPUs on.

        https://docs.aws.amazon.com/eks/latest/userguide/cni-increase-ip-addresses-procedure.html
        """
        most = 110 if self.vcpus < 30 else 250  # noqa: PLR2004 - AWS's numbers, cited above
        return min(self.address_pods, most)

    @property
    def reserved_cpu_millis(self) -> int:
        """Millicores that AL2023's kubelet reserves.

        6 % of the first CPU, 1 % of the second, 0.5 % of the third and fourth, 0.25 % of all others.
        https://github.com/awslabs/amazon-eks-ami/blob/main/nodeadm/internal/kubelet/config.go
        """
        total = self.vcpus * 1000
        steps = ((0, 1000, 600), (1000, 2000, 100), (2000, 4000, 50), (4000, max(4000, total), 25))
        return sum(max(0, min(total, end) - start) * share // 10_000 for start, end, share in steps)

    @property
    def reserved_memory_mib(self) -> int:
        """MiB that AL2023's kubelet reserves: 255, and 11 for each pod of `address_pods`.

        https://github.com/awslabs/amazon-eks-ami/blob/main/nodeadm/internal/kubelet/config.go
        """
        return 255 + 11 * self.address_pods

    @property
    def allocatable_cpu_millis(self) -> int:
        """Millicores that pods can request on a node of this type."""
        return self.vcpus * 1000 - self.reserved_cpu_millis

    @property
    def allocatable_memory_mib(self) -> int:
        """MiB that pods can request on a node of this type."""
        return self.memory_mib - self.reserved_memory_mib - EVICTION_MEMORY_MIB


@cache
def instance_types() -> dict[str, InstanceType]:
    """Every EC2 instance type that runs Linux, by name."""
    with TABLE.open(encoding="utf-8", newline="") as table:
        rows = csv.DictReader(table)
        return {
            row["name"]: InstanceType(
                name=row["name"],
                vcpus=int(row["vcpus"]),
                memory_mib=int(row["memory_mib"]),
                interfaces=int(row["interfaces"]),
                addresses=int(row["addresses"]),
                architecture=row["architecture"],
            )
            for row in rows
        }


def nearest(name: str, architecture: str) -> str | None:
    """The existing instance type of an architecture whose name is most similar to a misspelt one."""
    names = [kind.name for kind in instance_types().values() if kind.architecture == architecture]
    return next(iter(difflib.get_close_matches(name, names, n=1)), None)
