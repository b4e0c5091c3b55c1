"""Sizes of EKS managed node groups, configured and live."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pulumi
import pulumi_aws as aws


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


def live_sizes(cluster: str, opts: pulumi.InvokeOptions) -> dict[str, Sizes]:
    """Sizes of a cluster's managed node groups by their names, from EKS; empty if the cluster does not exist.

    Not from the state, which is as old as the last `pulumi up`: since then the autoscaler has changed the desired size.

    Args:
        cluster: The cluster's name.
        opts: Invoke options with the provider.
    """
    if cluster not in aws.eks.get_clusters(opts=opts).names:
        return {}
    names = aws.eks.get_node_groups(cluster_name=cluster, opts=opts).names
    groups = {name: aws.eks.get_node_group(cluster_name=cluster, node_group_name=name, opts=opts) for name in names}
    return {
        name: Sizes(min=sizes.min_size, desired=sizes.desired_size, max=sizes.max_size)
        for name, group in groups.items()
        for sizes in group.scaling_configs
    }
