"""What EKS has of the stack's cluster before an update, and the settings that it would refuse then.

From EKS, and not from the state, which is as old as the last `pulumi up`: since then the autoscaler has changed the
node groups' desired sizes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pulumi
import pulumi_aws as aws

import config
from components.aws.network import FIRST_ZONES, split
from config.problems import Problem, SettingsError


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Numbers of nodes of a managed node group.

    Attributes:
        min: Minimum.
        desired: Present number; of a new group, the number at creation.
        max: Maximum.
    """

    min: int
    desired: int
    max: int

    def with_live(self, live: Sizes | None) -> Sizes:
        """These limits with the live desired size, moved into them where it is outside; itself for a new group."""
        return self if live is None else replace(self, desired=min(max(live.desired, self.min), self.max))

    def same_limits(self, other: Sizes) -> bool:
        """Whether minimum and maximum are equal."""
        return (self.min, self.max) == (other.min, other.max)


@dataclass(frozen=True, kw_only=True)
class LiveNodeGroup:
    """A managed node group that exists.

    Attributes:
        sizes: Its numbers of nodes.
        release: Release of its nodes' image, e.g. `1.36.1-20260930`.
    """

    sizes: Sizes
    release: str


@dataclass(frozen=True, kw_only=True)
class LiveCluster:
    """The stack's cluster in EKS.

    Attributes:
        control_plane: IPv4 ranges of the control plane's subnets, by zone; empty if the cluster does not exist yet.
        node_groups: Its managed node groups, by name.
    """

    control_plane: Mapping[str, str]
    node_groups: Mapping[str, LiveNodeGroup]

    def check(self, *, network: config.Network, access: config.Cluster) -> None:
        """Refuses what EKS would refuse of this cluster.

        Raises:
            SettingsError: The cluster could not be made or changed with these settings.
        """
        if found := list(problems(self, network=network, access=access)):
            raise SettingsError(found)


NONE = LiveCluster(control_plane={}, node_groups={})
"""Before the first update."""


def look_up(cluster: str, opts: pulumi.InvokeOptions) -> LiveCluster:
    """The cluster of a name.

    Args:
        cluster: The cluster's name.
        opts: Invoke options with the provider.
    """
    if cluster not in aws.eks.get_clusters(opts=opts).names:
        return NONE
    network = aws.eks.get_cluster(name=cluster, opts=opts).vpc_config
    subnets = [aws.ec2.get_subnet(id=identifier, opts=opts) for identifier in network.subnet_ids]
    names = aws.eks.get_node_groups(cluster_name=cluster, opts=opts).names
    groups = {name: aws.eks.get_node_group(cluster_name=cluster, node_group_name=name, opts=opts) for name in names}
    return LiveCluster(
        control_plane={subnet.availability_zone: subnet.cidr_block for subnet in subnets},
        node_groups={
            name: LiveNodeGroup(
                sizes=Sizes(min=sizes.min_size, desired=sizes.desired_size, max=sizes.max_size),
                release=group.release_version,
            )
            for name, group in groups.items()
            for sizes in group.scaling_configs
        },
    )


def newest_release(pinned: str, live: str | None) -> str:
    """The pinned release of the nodes' image, or the live one, where that is a newer one of the same minor version.

    EKS moves a group to the newest release by itself if its launch template changes and the release does not, for the
    provider then sends none; and it takes no group back to an earlier one.

    https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupVersion.html (`releaseVersion`)
    https://github.com/hashicorp/terraform-provider-aws/blob/v6.0.0/internal/service/eks/node_group.go (`HasChange`)

    Args:
        pinned: Version and date, e.g. `1.36.1-20260930`.
        live: That of the group; None of a new one.
    """
    if live is None or _numbers(live)[:2] != _numbers(pinned)[:2]:
        return pinned
    return max(pinned, live, key=_numbers)


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", release))


def problems(live: LiveCluster, *, network: config.Network, access: config.Cluster) -> Iterator[Problem]:
    """Settings that are valid, but that EKS refuses of this cluster, or with which it could not be made.

    Without this check, an update would fail after it has made or deleted other resources.

    Args:
        live: The cluster.
        network: The VPC's settings.
        access: The control plane's settings.
    """
    if not live.control_plane:
        if not access.public_access_cidrs:
            yield Problem(
                f"{config.PROJECT}:cluster.publicAccessCidrs",
                "[]",
                "the addresses from which `pulumi up` runs, and CI: only the VPC would reach the Kubernetes API, and "
                "it does not exist yet; once it does, an update from inside it can empty the list",
            )
        return
    # https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html#network-requirements-subnets
    first = network.zones[:FIRST_ZONES]
    if set(first) != set(live.control_plane):
        yield Problem(
            f"{config.PROJECT}:network.zones",
            ", ".join(first),
            f"{' and '.join(sorted(live.control_plane))} first, which EKS keeps for the control plane for good; "
            "add others at the end, or make another stack beside this one",
        )
    elif any(live.control_plane[zone] != cidrs.control_plane for zone, cidrs in split(network.cidr, first).items()):
        yield Problem(
            f"{config.PROJECT}:network.cidr",
            network.cidr,
            f"the range as it was, which has the subnets {' and '.join(live.control_plane.values())}: EKS keeps the "
            "VPC for good; make another stack beside this one",
        )
