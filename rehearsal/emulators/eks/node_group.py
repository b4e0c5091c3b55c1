"""`eks.ManagedNodeGroup`, with a launch template from the program.

https://github.com/pulumi/pulumi-eks/blob/master/nodejs/eks/nodes/nodegroup.ts
"""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

from rehearsal.emulators.eks.arguments import Arguments, Taken

DEFAULT_SIZES = {"desiredSize": 2, "minSize": 1, "maxSize": 2}


class ManagedNodeGroup(pulumi.ComponentResource):
    """One managed node group.

    Attributes:
        state: The component's outputs.
    """

    def __init__(self, name: str, arguments: Arguments, opts: pulumi.ResourceOptions | None) -> None:
        super().__init__("eks:index:ManagedNodeGroup", name, {}, opts)
        given = Taken(arguments, f"eks.ManagedNodeGroup {name}")
        given.take("cluster")
        for argument in ("clusterName", "launchTemplate", "nodeRole", "subnetIds", "version"):
            if arguments.get(argument) is None:
                raise pulumi.InputPropertyError(argument, f"the eks stand-in makes {name} only with its {argument}")
        ignored = ["scalingConfig.desiredSize"] if given.take_plain("ignoreScalingChanges") else None
        group = aws.eks.NodeGroup(
            name,
            cluster_name=given.take("clusterName"),
            node_role_arn=pulumi.Output.from_input(given.take("nodeRole")).apply(lambda role: role.arn),
            subnet_ids=given.take("subnetIds"),
            scaling_config=pulumi.Output.from_input(given.take("scalingConfig", {})).apply(_sizes),
            launch_template=given.take("launchTemplate"),
            version=given.take("version"),
            ami_type=given.take("amiType"),
            labels=given.take("labels"),
            node_group_name=given.take("nodeGroupName"),
            taints=given.take("taints"),
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=ignored),
        )
        given.refuse_the_rest()
        self.state: dict[str, Any] = {"nodeGroup": group}
        self.register_outputs(self.state)


def _sizes(given: dict[str, Any]) -> aws.eks.NodeGroupScalingConfigArgs:
    desired, least, most = (int(given.get(name, default)) for name, default in DEFAULT_SIZES.items())
    return aws.eks.NodeGroupScalingConfigArgs(desired_size=desired, min_size=least, max_size=most)
