"""The nodes of one environment: one or more EKS managed node groups, which together are its node group."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, get_args

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks
from pulumi_aws.eks.outputs import NodeGroupResource

import config
import versions
from components.aws.account import Account
from components.aws.iam import Role, RoleArgs, Trust
from components.aws.network import FIRST_ZONES
from components.cluster.live import LiveNodeGroup, Sizes, newest_release
from config.instance_types import instance_types
from config.partitions import dns_suffix
from contract import labels

AMI_TYPES = {"amd64": "AL2023_x86_64_STANDARD", "arm64": "AL2023_ARM_64_STANDARD"}
"""EKS' AMI type by architecture. https://docs.aws.amazon.com/eks/latest/APIReference/API_Nodegroup.html."""

NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly")
"""AWS managed policies of a node's role; pods have their own roles.

https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html
"""

WEEKDAYS: tuple[config.Weekday, ...] = get_args(config.Weekday)
"""From Monday on; cron counts from Sunday."""

TAGGED_RESOURCE_TYPES = ("instance", "volume", "network-interface")
"""Resources that Auto Scaling creates from a launch template; the default tags of the provider do not apply to them.

https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html#launch-template-tagging
"""


def shares(total: int, parts: int) -> list[int]:
    """Parts of a number, as equal as possible; the first ones are one larger where there is a remainder.

    A part never shrinks when the total grows: parts of a minimum, desired and maximum number stay in this order.

    Args:
        total: The number (0 or more).
        parts: How many parts (1 or more).
    """
    share, remainder = divmod(total, parts)
    return [share + (part < remainder) for part in range(parts)]


@dataclass(frozen=True, kw_only=True)
class ManagedGroup:
    """One EKS managed node group.

    Attributes:
        name: Its name in EKS.
        zones: Its availability zones.
        sizes: Minimum and maximum number of nodes, and the number at creation.
    """

    name: str
    zones: Sequence[str]
    sizes: Sizes


def managed_groups(name: str, nodes: config.Nodes | config.ServiceNodes, zones: Sequence[str]) -> list[ManagedGroup]:
    """Managed node groups of one environment. The name of each ends with its zones.

    Where pods have volumes, there is one group in each zone: a volume exists in one zone, and its pod needs a node
    there. Otherwise one group has the first two zones, between which Auto Scaling moves its nodes when one fails, and
    each further zone has its own. EKS cannot change a group's zones, and deletes a group within minutes, so that a new
    zone must replace none: it adds a group. Some groups may start with no node, but none has a maximum of 0.
    """
    kept = 1 if nodes.volumes else FIRST_ZONES
    used = list(zones[: max(kept, nodes.max)])
    # Sorted: the same zones in another order are the same group.
    groups = [sorted(used[:kept]), *([zone] for zone in used[kept:])]
    minimum, desired, maximum = (iter(shares(total, len(used))) for total in (nodes.min, nodes.desired, nodes.max))
    return [
        ManagedGroup(
            name=f"{name}-{''.join(zone[-1] for zone in group)}",
            zones=group,
            sizes=Sizes(
                min=sum(islice(minimum, len(group))),
                desired=sum(islice(desired, len(group))),
                max=sum(islice(maximum, len(group))),
            ),
        )
        for group in groups
    ]


def recurrence(time: str, days: Sequence[config.Weekday]) -> str:
    """A time on some days as a cron expression.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-scheduled-scaling.html
    """
    hour, minute = time.split(":")
    numbers = sorted((WEEKDAYS.index(day) + 1) % len(WEEKDAYS) for day in days)
    return f"{int(minute)} {int(hour)} * * {','.join(map(str, numbers))}"


def _auto_scaling_group(made: Sequence[NodeGroupResource]) -> str:
    """The name of the Auto Scaling group that EKS has made for a managed node group."""
    (name,) = [str(group.name) for one in made for group in one.autoscaling_groups or ()]
    return name


def _suffix(nodes: config.Nodes | config.ServiceNodes) -> str:
    """Ending of a group's name that tells what EKS cannot change of it: Arm64 images; own instance types and Spot.

    A group of the same name would be deleted before the new one is made.
    https://github.com/pulumi/pulumi-eks/pull/492
    """
    if isinstance(nodes, config.Nodes):
        architecture = instance_types()[nodes.instance_type].architecture
        return "" if architecture == "amd64" else f"-{architecture}"
    return "-" + hashlib.sha256(f"{nodes.spot} {sorted(nodes.instance_types)}".encode()).hexdigest()[:4]


@dataclass(frozen=True, kw_only=True)
class NodeGroupArgs:
    """Arguments of `NodeGroup`.

    Attributes:
        account: The AWS account.
        environment: Value of the nodes' label `environment`.
        cluster: The cluster.
        subnets: Ids of the private subnets, by zone.
        nodes: Instance types, number of nodes, root volume size. Those for services alone have the label and taint
            `nodes=services`.
        live: The managed node groups that exist, by name.
        tainted: Whether the nodes have the taint `environment=NAME:NoSchedule`.
        ready: Resources that nodes need to become ready, such as routes and add-ons, and that pods need while running.
    """

    account: Account
    environment: str
    cluster: eks.Cluster
    subnets: Mapping[str, pulumi.Input[str]]
    nodes: config.Nodes | config.ServiceNodes
    live: Mapping[str, LiveNodeGroup]
    tainted: bool
    ready: Sequence[pulumi.Resource]


class NodeGroup(pulumi.ComponentResource):
    """Managed node groups with a common role and launch template.

    A single instance type is set in the launch template: EKS rolls nodes to a new version of the template, but would
    replace a group whose own instance type changes. Several can be set on the group only; their hash is in its name, as
    is an architecture other than amd64, so that a group with others comes up beside the old one. EKS takes Spot nodes
    out of service itself: it starts another when AWS announces that it may take one back, and drains the old one, so
    nothing else has to watch for that.
    https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html#managed-node-group-capacity-types

    Attributes:
        summary: Stack output: `names` of the managed node groups, `label` of the nodes, `taint` or None, `zones`.
    """

    summary: pulumi.Output[dict[str, Any]]

    def __init__(self, name: str, args: NodeGroupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:NodeGroup", name, {}, opts)
        self._args = args
        environment = {labels.ENVIRONMENT: args.environment}
        dedicated = {labels.NODES: labels.SERVICES} if isinstance(args.nodes, config.ServiceNodes) else {}
        self._labels = {**environment, **dedicated}
        self._taints = {**(environment if args.tainted else {}), **dedicated}
        role = Role(
            name,
            RoleArgs(
                account=args.account,
                trust=Trust(service=f"ec2.{dns_suffix(args.account.region)}"),
                managed_policies=list(NODE_POLICIES),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        template = self._launch_template(name)
        groups = managed_groups(f"{name}{_suffix(args.nodes)}", args.nodes, list(args.subnets))
        node_groups = [self._managed_group(group, role, template) for group in groups]
        if isinstance(args.nodes, config.ServiceNodes) and args.nodes.hours:
            for group, node_group in zip(groups, node_groups, strict=True):
                self._schedule(group, node_group, args.nodes.hours)

        self.summary = pulumi.Output.from_input(
            {
                "names": [group.node_group.node_group_name for group in node_groups],
                "label": ",".join(f"{key}={value}" for key, value in self._labels.items()),
                "taint": ",".join(f"{key}={value}:NoSchedule" for key, value in self._taints.items()) or None,
                "zones": [zone for group in groups for zone in group.zones],
            }
        )
        self.register_outputs({"summary": self.summary})

    def _schedule(self, group: ManagedGroup, managed: eks.ManagedNodeGroup, hours: config.Hours) -> None:
        """Registers what starts and stops the nodes: on the Auto Scaling group, since EKS takes no maximum of 0.

        With any other maximum the autoscaler would add nodes for the pods that wait.
        """
        # Not `managed.node_group.resources`, which is a method of the output.
        name_in_aws = managed.node_group.apply(lambda node_group: node_group.resources).apply(_auto_scaling_group)
        asleep = Sizes(min=0, desired=0, max=0)
        for name, time, sizes in (("start", hours.start, group.sizes), ("stop", hours.stop, asleep)):
            aws.autoscaling.Schedule(
                f"{group.name}-{name}",
                scheduled_action_name=f"{group.name}-{name}",
                autoscaling_group_name=name_in_aws,
                min_size=sizes.min,
                desired_capacity=sizes.desired,
                max_size=sizes.max,
                recurrence=recurrence(time, hours.days),
                time_zone=hours.time_zone,
                # An update would send the next start of the time of creation, which EC2 refuses once it is past.
                # https://github.com/pulumi/pulumi-aws/issues/2473
                opts=pulumi.ResourceOptions(parent=self, replace_on_changes=["*"], delete_before_replace=True),
            )

    def _launch_template(self, name: str) -> aws.ec2.LaunchTemplate:
        return aws.ec2.LaunchTemplate(
            name,
            name=name,
            update_default_version=True,
            instance_type=self._args.nodes.instance_type if isinstance(self._args.nodes, config.Nodes) else None,
            # IMDSv2 only, and unreachable for pods, whose packets need one more hop.
            metadata_options=aws.ec2.LaunchTemplateMetadataOptionsArgs(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            block_device_mappings=[
                aws.ec2.LaunchTemplateBlockDeviceMappingArgs(
                    device_name="/dev/xvda",
                    ebs=aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
                        volume_type="gp3",
                        volume_size=self._args.nodes.disk_gib,
                        # By the account's default key: a customer managed one needs a grant for Auto Scaling.
                        encrypted="true",
                        delete_on_termination="true",
                    ),
                )
            ],
            tag_specifications=[
                aws.ec2.LaunchTemplateTagSpecificationArgs(
                    resource_type=resource_type, tags={**self._args.account.tags, "Name": name}
                )
                for resource_type in TAGGED_RESOURCE_TYPES
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _managed_group(self, group: ManagedGroup, role: Role, template: aws.ec2.LaunchTemplate) -> eks.ManagedNodeGroup:
        args = self._args
        services = args.nodes if isinstance(args.nodes, config.ServiceNodes) else None
        live = args.live.get(group.name)
        sizes = group.sizes.with_live(live.sizes if live else None)
        return eks.ManagedNodeGroup(
            group.name,
            node_group_name=group.name,
            cluster=args.cluster,
            # Set explicitly: while the cluster changes, a preview does not know `cluster` and would replace the group.
            cluster_name=args.cluster.eks_cluster.name,
            node_role=role.role,
            subnet_ids=[args.subnets[zone] for zone in group.zones],
            version=versions.KUBERNETES,
            release_version=newest_release(versions.NODE_IMAGE_RELEASE, live.release if live else None),
            ami_type=AMI_TYPES[instance_types()[args.nodes.instance_types[0]].architecture],
            instance_types=sorted(services.instance_types) if services else None,
            capacity_type="SPOT" if services and services.spot else None,
            labels=self._labels,
            taints=[
                aws.eks.NodeGroupTaintArgs(key=key, value=value, effect="NO_SCHEDULE")
                for key, value in self._taints.items()
            ],
            scaling_config=aws.eks.NodeGroupScalingConfigArgs(
                min_size=sizes.min, max_size=sizes.max, desired_size=sizes.desired
            ),
            # The desired size is the autoscaler's. The provider sends all three whenever one changes, so a change of
            # the others has to carry the live one: https://github.com/hashicorp/terraform-provider-aws/blob/v6.0.0/internal/service/eks/node_group.go
            ignore_scaling_changes=live is None or sizes.same_limits(live.sizes),
            launch_template=aws.eks.NodeGroupLaunchTemplateArgs(
                id=template.id, version=template.latest_version.apply(str)
            ),
            # A node cannot join the cluster before its role has its policies, nor leave it in order without them.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role, *args.ready]),
        )
