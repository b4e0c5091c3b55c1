"""The EC2 nodes of one environment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks

import settings
import versions
from components import labels

NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly")
"""What a node may do in AWS. https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html."""

EC2_MAY_ASSUME = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


@dataclass(frozen=True, kw_only=True)
class NodeGroupArgs:
    """What a `NodeGroup` is made from.

    Attributes:
        environment: Value of the nodes' label `environment`.
        cluster: The cluster to join.
        subnet_ids: Private subnets to stand in.
        zones: The subnets' availability zones.
        nodes: Instance type and number.
        tainted: Whether pods must tolerate `environment=NAME:NoSchedule` to run here.
        disk_gib: Root volume of each node, GiB.
    """

    environment: str
    cluster: eks.Cluster
    subnet_ids: Sequence[pulumi.Input[str]]
    zones: Sequence[str]
    nodes: settings.Nodes
    tainted: bool
    disk_gib: int = 50


class NodeGroup(pulumi.ComponentResource):
    """A managed node group with its role and launch template.

    Attributes:
        summary: What the stack's outputs say of it: its managed node groups' `names`, the `label` on each node, the
            `taint` or None, and the `zones`.
    """

    summary: pulumi.Output[dict[str, Any]]

    def __init__(self, name: str, args: NodeGroupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:NodeGroup", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        role = aws.iam.Role(name, name=name, assume_role_policy=json.dumps(EC2_MAY_ASSUME), opts=child)
        permissions = [
            aws.iam.RolePolicyAttachment(
                f"{name}-{policy}", role=role.name, policy_arn=f"arn:aws:iam::aws:policy/{policy}", opts=child
            )
            for policy in NODE_POLICIES
        ]
        launch_template = aws.ec2.LaunchTemplate(
            name,
            name=name,
            update_default_version=True,
            # IMDSv2, and out of reach of pods: their packets have one hop more than the node's.
            metadata_options=aws.ec2.LaunchTemplateMetadataOptionsArgs(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            block_device_mappings=[
                aws.ec2.LaunchTemplateBlockDeviceMappingArgs(
                    device_name="/dev/xvda",
                    ebs=aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
                        volume_type="gp3", volume_size=args.disk_gib, encrypted="true", delete_on_termination="true"
                    ),
                )
            ],
            tag_specifications=[
                aws.ec2.LaunchTemplateTagSpecificationArgs(resource_type=kind, tags={"Name": name})
                for kind in ("instance", "volume")
            ],
            opts=child,
        )
        group = eks.ManagedNodeGroup(
            name,
            node_group_name=name,
            cluster=args.cluster,
            node_role=role,
            subnet_ids=list(args.subnet_ids),
            version=versions.KUBERNETES,
            ami_type="AL2023_x86_64_STANDARD",
            instance_types=[args.nodes.instance_type],
            labels={labels.ENVIRONMENT: args.environment},
            taints=[
                aws.eks.NodeGroupTaintArgs(key=labels.ENVIRONMENT, value=args.environment, effect="NO_SCHEDULE"),
            ]
            if args.tainted
            else [],
            scaling_config=aws.eks.NodeGroupScalingConfigArgs(
                min_size=args.nodes.min, max_size=args.nodes.max, desired_size=args.nodes.desired
            ),
            ignore_scaling_changes=True,
            launch_template=aws.eks.NodeGroupLaunchTemplateArgs(
                id=launch_template.id, version=launch_template.latest_version.apply(str)
            ),
            # A node whose role cannot yet join the cluster fails for good; one that lost it cannot leave in order.
            opts=pulumi.ResourceOptions(parent=self, depends_on=permissions),
        )

        label = f"{labels.ENVIRONMENT}={args.environment}"
        self.summary = pulumi.Output.from_input(
            {
                "names": [group.node_group.node_group_name],
                "label": label,
                "taint": f"{label}:NoSchedule" if args.tainted else None,
                "zones": list(args.zones),
            }
        )
        self.register_outputs({"summary": self.summary})
