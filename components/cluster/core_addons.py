"""What pods need of the cluster besides nodes: names, numbers, volumes, ranks, and as many nodes as they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.cluster.addons import Addons, AddonsArgs, after_nodes
from components.cluster.autoscaler import Autoscaler, AutoscalerArgs
from components.cluster.reference import ClusterReference
from components.cluster.storage import Storage
from components.kubernetes.priority_classes import PriorityClasses


@dataclass(frozen=True, kw_only=True)
class CoreAddonsArgs:
    """What `CoreAddons` are made from.

    Attributes:
        cluster: The cluster.
        charts: Where charts come from instead of their public repositories.
        nodes: The node groups that its programs run on.
    """

    cluster: ClusterReference
    charts: str | None
    nodes: Sequence[pulumi.Resource]


class CoreAddons(pulumi.ComponentResource):
    """Add-ons that run on nodes, the cluster autoscaler, the default StorageClass, and the priority classes.

    It takes providers of both, `aws` and `kubernetes`.

    Attributes:
        addons: The add-ons: names, and what makes volumes and takes them away.
        priorities: The cluster's priority classes.
    """

    addons: Addons
    priorities: PriorityClasses

    def __init__(self, name: str, args: CoreAddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Essentials", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.addons = Addons(
            name,
            AddonsArgs(
                cluster=args.cluster,
                addons=after_nodes(volume_tags=args.cluster.account.tags),
                nodes=args.nodes,
            ),
            opts=child,
        )
        Autoscaler(
            name,
            AutoscalerArgs(cluster=args.cluster, charts=args.charts, nodes=[self.addons]),
            opts=child,
        )
        Storage(name, opts=child)
        self.priorities = PriorityClasses(name, opts=child)
        self.register_outputs({"priorities": self.priorities})
