"""`eks.ManagedNodeGroup`, on a launch template of the program's or on none.

https://github.com/pulumi/pulumi-eks/blob/master/nodejs/eks/nodes/nodegroup.ts
"""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_eks

from rehearsal.stand_ins.eks.arguments import Arguments, Taken

DEFAULT_SIZES = {"desiredSize": 2, "minSize": 1, "maxSize": 2}


class ManagedNodeGroup(pulumi.ComponentResource):
    """One managed node group.

    Attributes:
        state: The component's outputs.
    """

    def __init__(self, name: str, arguments: Arguments, opts: pulumi.ResourceOptions | None) -> None:
        super().__init__("eks:index:ManagedNodeGroup", name, {}, opts)
        given = Taken(arguments, f"eks.ManagedNodeGroup {name}")
        core = _core(given.take("cluster"))
        template = given.take("launchTemplate")
        version = given.take("version")
        if version is None and template is None:
            version = core.apply(lambda it: it["cluster"].version)
        ignored = ["scalingConfig.desiredSize"] if given.take_plain("ignoreScalingChanges") else None
        group = aws.eks.NodeGroup(
            name,
            cluster_name=given.take("clusterName") or core.apply(lambda it: it["cluster"].name),
            node_role_arn=_role_arn(name, given),
            subnet_ids=given.take("subnetIds") or core.apply(lambda it: it["subnetIds"]),
            scaling_config=pulumi.Output.from_input(given.take("scalingConfig", {})).apply(_sizes),
            launch_template=template,
            version=version,
            ami_type=given.take("amiType"),
            capacity_type=given.take("capacityType"),
            disk_size=given.take("diskSize"),
            force_update_version=given.take("forceUpdateVersion"),
            instance_types=given.take("instanceTypes"),
            labels=given.take("labels"),
            node_group_name=given.take("nodeGroupName"),
            node_group_name_prefix=given.take("nodeGroupNamePrefix"),
            release_version=given.take("releaseVersion"),
            tags=given.take("tags"),
            taints=given.take("taints"),
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=ignored),
        )
        given.refuse_the_rest()
        self.state: dict[str, Any] = {"nodeGroup": group, "placementGroupName": ""}
        self.register_outputs(self.state)


def _sizes(given: dict[str, Any]) -> aws.eks.NodeGroupScalingConfigArgs:
    desired, least, most = (int(given.get(name, default)) for name, default in DEFAULT_SIZES.items())
    return aws.eks.NodeGroupScalingConfigArgs(desired_size=desired, min_size=least, max_size=most)


def _core(cluster: Any) -> pulumi.Output[Any]:
    """The cluster's core data: given as such, or as the component that has it."""
    return pulumi.Output.from_input(cluster).apply(lambda it: it.core if isinstance(it, pulumi_eks.Cluster) else it)


def _role_arn(name: str, given: Taken) -> pulumi.Input[str]:
    role, arn = given.take("nodeRole"), given.take("nodeRoleArn")
    if role is not None and arn is not None:
        raise pulumi.InputPropertyError(
            "nodeRole",
            f"{name}: You cannot specify both nodeRole and nodeRoleArn when creating a managed node group.",
        )
    if arn is not None:
        return arn
    if role is None:
        raise pulumi.InputPropertyError(
            "nodeRole", f"{name}: An IAM role, or role ARN must be provided to create a managed node group"
        )
    return pulumi.Output.from_input(role).apply(lambda it: it.arn)
