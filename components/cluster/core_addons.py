"""What every pod relies on besides nodes: add-ons, Cluster Autoscaler, StorageClass, PriorityClasses."""

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
    """Arguments of `CoreAddons`.

    Attributes:
        cluster: The cluster.
        charts: Source of charts instead of their public repositories; None for those.
        longest_request_seconds: Duration of the longest request of any service.
        grace_seconds: The longest termination grace period of any service.
        volume_key_arn: KMS key of the volumes of pods; None for the account's default key for EBS.
        nodes: Node groups for their pods.
    """

    cluster: ClusterReference
    charts: str | None
    longest_request_seconds: int
    grace_seconds: int
    volume_key_arn: str | None
    nodes: Sequence[pulumi.Resource]


class CoreAddons(pulumi.ComponentResource):
    """Add-ons whose pods need nodes, the Cluster Autoscaler, the default StorageClass and the PriorityClasses.

    Needs `aws` and `kubernetes` providers in its options.

    Attributes:
        addons: Those add-ons that other pods need.
        ready: All that pods rely on: what runs pods is created after it, and deleted before it.
        priorities: The PriorityClasses.
        volume_key_arn: Customer managed key of the volumes of pods; None for the account's default key.
    """

    addons: Sequence[pulumi.Resource]
    ready: Sequence[pulumi.Resource]
    priorities: PriorityClasses
    volume_key_arn: str | None

    def __init__(self, name: str, args: CoreAddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Essentials", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.addons = Addons(
            name,
            AddonsArgs(
                cluster=args.cluster,
                addons=after_nodes(args.cluster.account, args.volume_key_arn),
                nodes=args.nodes,
            ),
            opts=child,
        ).awaited
        autoscaler = Autoscaler(
            name,
            AutoscalerArgs(
                cluster=args.cluster,
                charts=args.charts,
                longest_request_seconds=args.longest_request_seconds,
                grace_seconds=args.grace_seconds,
                nodes=self.addons,
            ),
            opts=child,
        )
        self.volume_key_arn = args.volume_key_arn
        storage = Storage(name, args.volume_key_arn, opts=child)
        self.priorities = PriorityClasses(name, opts=child)
        self.ready = [*self.addons, autoscaler, storage, self.priorities]
        self.register_outputs({"priorities": self.priorities})
