"""The EC2 nodes of one environment: its "node group" is a set of EKS managed node groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks

import config
import versions
from components.aws.account import Account
from components.aws.iam import Role, RoleArgs, Trust
from contract import labels

NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly")
"""What a node may do in AWS; pods have roles of their own.

https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html
"""

TAGGED = ("instance", "volume", "network-interface")
"""What an Auto Scaling group makes from a launch template: the provider's default tags do not reach it.

https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html#launch-template-tagging
"""


def shares(total: int, parts: int) -> list[int]:
    """Divides a number as evenly as it goes, the first parts getting what is left over.

    A larger total has no smaller share, so shares of a least, a wanted and a most number keep their order.

    Args:
        total: 0 or more.
        parts: 1 or more.
    """
    share, left = divmod(total, parts)
    return [share + (part < left) for part in range(parts)]


@dataclass(frozen=True, kw_only=True)
class ManagedGroup:
    """One managed node group of the set.

    Attributes:
        name: Its name in EKS.
        zones: The zones it stands in.
        min: Fewest nodes.
        desired: Nodes at creation.
        max: Most nodes.
    """

    name: str
    zones: Sequence[str]
    min: int
    desired: int
    max: int


def managed_groups(name: str, nodes: config.Nodes, zones: Sequence[str]) -> list[ManagedGroup]:
    """The managed node groups of one environment, each named by the zones it stands in.

    With volumes there is one a zone: a volume lives in one zone, and a node replaced in another would strand its pod.
    A zone more is then a group more. A zone without a share of the nodes starts empty, for the autoscaler to fill; one
    that could never have a node has no group.

    Without, there is one over all zones, and Auto Scaling moves its nodes when a zone is lost. EKS cannot give it
    another zone: it is replaced, the new group before the old one, hence the zones in its name.
    """
    places = [[zone] for zone in zones[: nodes.max]] if nodes.volumes else [list(zones)]
    parts = len(places)
    sizes = zip(shares(nodes.min, parts), shares(nodes.desired, parts), shares(nodes.max, parts), strict=True)
    return [
        ManagedGroup(
            name=f"{name}-{''.join(zone[-1] for zone in place)}",
            zones=place,
            min=least,
            desired=desired,
            max=most,
        )
        for place, (least, desired, most) in zip(places, sizes, strict=True)
    ]


@dataclass(frozen=True, kw_only=True)
class NodeGroupArgs:
    """What a `NodeGroup` is made from.

    Attributes:
        account: The AWS account.
        environment: Value of the nodes' label `environment`.
        cluster: The cluster to join.
        subnets: Ids of the private subnets to stand in, by zone.
        nodes: Instance type, number, root volumes, and whether pods have volumes.
        tainted: Whether pods must tolerate `environment=NAME:NoSchedule` to run here.
        ready: What a node needs in order to become ready, in the cluster and on its way out of the VPC, and what its
            pods need for as long as they run.
    """

    account: Account
    environment: str
    cluster: eks.Cluster
    subnets: Mapping[str, pulumi.Input[str]]
    nodes: config.Nodes
    tainted: bool
    ready: Sequence[pulumi.Resource]


class NodeGroup(pulumi.ComponentResource):
    """Managed node groups with the role and the launch template that they share.

    Instance type, root volume and tags stand in the launch template: to a new version of it EKS moves node by node,
    where an instance type of the node group itself would replace the group.

    Attributes:
        summary: What the stack's outputs say of it: its managed node groups' `names`, the `label` on each node, the
            `taint` or None, and the `zones`.
    """

    summary: pulumi.Output[dict[str, Any]]

    def __init__(self, name: str, args: NodeGroupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:NodeGroup", name, {}, opts)
        self._args = args
        role = Role(
            name,
            RoleArgs(
                account=args.account, trust=Trust(service="ec2.amazonaws.com"), managed_policies=list(NODE_POLICIES)
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        template = self._launch_template(name)
        planned = managed_groups(name, args.nodes, list(args.subnets))
        made = [self._managed_group(group, role, template) for group in planned]

        label = f"{labels.ENVIRONMENT}={args.environment}"
        self.summary = pulumi.Output.from_input(
            {
                "names": [group.node_group.node_group_name for group in made],
                "label": label,
                "taint": f"{label}:NoSchedule" if args.tainted else None,
                "zones": [zone for group in planned for zone in group.zones],
            }
        )
        self.register_outputs({"summary": self.summary})

    def _launch_template(self, name: str) -> aws.ec2.LaunchTemplate:
        return aws.ec2.LaunchTemplate(
            name,
            name=name,
            update_default_version=True,
            instance_type=self._args.nodes.instance_type,
            # IMDSv2, and out of reach of pods: their packets have one hop more than the node's.
            metadata_options=aws.ec2.LaunchTemplateMetadataOptionsArgs(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            block_device_mappings=[
                aws.ec2.LaunchTemplateBlockDeviceMappingArgs(
                    device_name="/dev/xvda",
                    ebs=aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
                        volume_type="gp3",
                        volume_size=self._args.nodes.disk_gib,
                        # With the account's key for EBS: a customer key would need a grant to Auto Scaling's own role.
                        encrypted="true",
                        delete_on_termination="true",
                    ),
                )
            ],
            tag_specifications=[
                aws.ec2.LaunchTemplateTagSpecificationArgs(
                    resource_type=kind, tags={**self._args.account.tags, "Name": name}
                )
                for kind in TAGGED
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _managed_group(self, group: ManagedGroup, role: Role, template: aws.ec2.LaunchTemplate) -> eks.ManagedNodeGroup:
        args = self._args
        return eks.ManagedNodeGroup(
            group.name,
            node_group_name=group.name,
            cluster=args.cluster,
            # By itself: a preview of a changed cluster does not know all of `cluster`, and would replace the group.
            cluster_name=args.cluster.eks_cluster.name,
            node_role=role.role,
            subnet_ids=[args.subnets[zone] for zone in group.zones],
            version=versions.KUBERNETES,
            ami_type="AL2023_x86_64_STANDARD",
            labels={labels.ENVIRONMENT: args.environment},
            taints=[
                aws.eks.NodeGroupTaintArgs(key=labels.ENVIRONMENT, value=args.environment, effect="NO_SCHEDULE"),
            ]
            if args.tainted
            else [],
            scaling_config=aws.eks.NodeGroupScalingConfigArgs(
                min_size=group.min, max_size=group.max, desired_size=group.desired
            ),
            ignore_scaling_changes=True,
            launch_template=aws.eks.NodeGroupLaunchTemplateArgs(
                id=template.id, version=template.latest_version.apply(str)
            ),
            # A node whose role cannot yet join the cluster fails for good; one that lost it cannot leave in order.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role, *args.ready]),
        )
