"""The components of pulumi-eks that this project uses, with the children that the real ones register.

https://github.com/pulumi/pulumi-eks/blob/master/nodejs/eks/cluster/cluster.ts
https://github.com/pulumi/pulumi-eks/blob/master/nodejs/eks/nodes/nodegroup.ts
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes
import yaml

from rehearsal.layout import Layout

REQUIRED_VALUES = {
    "authenticationMode": "API",
    "createOidcProvider": False,
    "skipDefaultNodeGroup": True,
    "skipDefaultSecurityGroups": True,
    "useDefaultVpcCni": True,
}
"""Arguments with any other value make the real component create children that the emulator does not."""

DEFAULT_SIZES = {"desiredSize": 2, "minSize": 1, "maxSize": 2}


class Arguments:
    """Arguments of a component, each of which has to be read.

    Args:
        values: The program's arguments by property name (camelCase), plain or outputs; None counts as not set.
        component: The component in messages, e.g. `eks.Cluster hello-dev`.
    """

    def __init__(self, values: Mapping[str, Any], component: str) -> None:
        self._unread = {name: value for name, value in values.items() if value is not None}
        self._component = component

    def read(self, name: str, default: Any = None) -> Any:
        """An argument's value, or the default."""
        return self._unread.pop(name, default)

    def read_plain(self, name: str, default: Any = None) -> Any:
        """Like `read`, for an argument on which the component's children depend.

        Raises:
            pulumi.InputPropertyError: The value is an output, which is not known when children are registered.
        """
        value = self.read(name, default)
        if isinstance(value, pulumi.Output):
            raise pulumi.InputPropertyError(name, f"{self._component}: it has to be a plain value, not an output")
        return value

    def read_required(self, name: str) -> Any:
        """An argument's value.

        Raises:
            pulumi.InputPropertyError: It is not set.
        """
        if name not in self._unread:
            raise pulumi.InputPropertyError(name, f"the eks emulator creates {self._component} only with {name}")
        return self.read(name)

    def refuse_unread(self) -> None:
        """Refuses arguments that have not been read; to be called last.

        Raises:
            pulumi.InputPropertiesError: The emulator does not have some of the arguments.
        """
        if self._unread:
            raise pulumi.InputPropertiesError(
                f"the eks emulator lacks arguments of {self._component}. What to do: leave them out, or add them to "
                "rehearsal/emulators/eks/ as pulumi-eks 4.4.0 has them.",
                [
                    {"property_path": name, "reason": f"the eks emulator has no {name} of {self._component}"}
                    for name in sorted(self._unread)
                ],
            )


class Cluster(pulumi.ComponentResource):
    """`eks.Cluster`, for a cluster whose role, node groups and add-ons are created outside the component.

    Attributes:
        state: The component's outputs.
    """

    def __init__(
        self, name: str, values: Mapping[str, Any], layout: Layout, opts: pulumi.ResourceOptions | None
    ) -> None:
        super().__init__("eks:index:Cluster", name, {}, opts)
        arguments = Arguments(values, f"eks.Cluster {name}")
        for argument, value in REQUIRED_VALUES.items():
            if arguments.read_plain(argument) != value:
                raise pulumi.InputPropertyError(
                    argument, f"the eks emulator creates {name} only with {argument}={value}"
                )
        for argument in ("corednsAddonOptions", "kubeProxyAddonOptions"):
            if arguments.read_plain(argument, {}).get("enabled") is not False:
                raise pulumi.InputPropertyError(
                    argument, f"the eks emulator creates {name} without add-ons: disable it"
                )
        arguments.read("vpcId")
        entries = arguments.read_plain("accessEntries", {})
        cluster = self._cluster(name, arguments)
        arguments.refuse_unread()
        # The local control plane's, known once the cluster's endpoint is.
        kubeconfig = cluster.endpoint.apply(lambda _: yaml.safe_load(layout.kubeconfig.read_text()))
        kubernetes.Provider(
            f"{name}-eks-k8s", kubeconfig=kubeconfig.apply(json.dumps), opts=pulumi.ResourceOptions(parent=self)
        )
        for key, entry in entries.items():
            self._access_entry(f"{name}-{key}", cluster, entry)
        self.state: dict[str, Any] = {
            "eksCluster": cluster,
            "kubeconfig": kubeconfig,
            "kubeconfigJson": kubeconfig.apply(lambda it: json.dumps(it, separators=(",", ":"))),
            # With skipDefaultSecurityGroups, the component outputs the group that EKS creates.
            "clusterSecurityGroupId": cluster.vpc_config.apply(lambda network: network.cluster_security_group_id),
        }
        self.register_outputs(self.state)

    def _cluster(self, name: str, arguments: Arguments) -> aws.eks.Cluster:
        public, cidrs = arguments.read("endpointPublicAccess"), arguments.read("publicAccessCidrs")
        if cidrs is not None:
            cidrs = pulumi.Output.all(cidrs, public).apply(lambda values: _public_cidrs(name, *values))
        return aws.eks.Cluster(
            f"{name}-eksCluster",
            name=arguments.read("name"),
            role_arn=pulumi.Output.from_input(arguments.read("serviceRole")).apply(lambda role: role.arn),
            version=arguments.read("version"),
            bootstrap_self_managed_addons=arguments.read("bootstrapSelfManagedAddons", True),
            vpc_config={
                "subnet_ids": arguments.read("subnetIds"),
                "endpoint_private_access": arguments.read("endpointPrivateAccess"),
                "endpoint_public_access": public,
                "public_access_cidrs": cidrs,
            },
            enabled_cluster_log_types=arguments.read("enabledClusterLogTypes"),
            encryption_config={
                "provider": {"key_arn": arguments.read("encryptionConfigKeyArn")},
                "resources": ["secrets"],
            },
            access_config={"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": True},
            upgrade_policy=arguments.read("upgradePolicy"),
            deletion_protection=arguments.read("deletionProtection"),
            tags={"Name": f"{name}-eksCluster"},
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=["accessConfig.bootstrapClusterCreatorAdminPermissions", "bootstrapSelfManagedAddons"],
            ),
        )

    def _access_entry(self, name: str, cluster: aws.eks.Cluster, values: Mapping[str, Any]) -> None:
        """An access entry with its policy associations as children."""
        arguments = Arguments(values, f"eks.Cluster accessEntries {name}")
        principal, policies = arguments.read("principalArn"), arguments.read_plain("accessPolicies", {})
        entry = aws.eks.AccessEntry(
            name,
            cluster_name=cluster.name,
            principal_arn=principal,
            kubernetes_groups=arguments.read("kubernetesGroups"),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[cluster]),
        )
        arguments.refuse_unread()
        for key, association in policies.items():
            policy = pulumi.Output.from_input(association)
            aws.eks.AccessPolicyAssociation(
                f"{name}-{key}",
                cluster_name=cluster.name,
                principal_arn=principal,
                policy_arn=policy.apply(lambda it: it["policyArn"]),
                access_scope=policy.apply(
                    lambda it: aws.eks.AccessPolicyAssociationAccessScopeArgs(
                        type=it["accessScope"]["type"], namespaces=it["accessScope"].get("namespaces")
                    )
                ),
                opts=pulumi.ResourceOptions(parent=entry, depends_on=[entry]),
            )


class ManagedNodeGroup(pulumi.ComponentResource):
    """`eks.ManagedNodeGroup`, with a launch template from the program.

    Attributes:
        state: The component's outputs.
    """

    def __init__(self, name: str, values: Mapping[str, Any], opts: pulumi.ResourceOptions | None) -> None:
        super().__init__("eks:index:ManagedNodeGroup", name, {}, opts)
        arguments = Arguments(values, f"eks.ManagedNodeGroup {name}")
        arguments.read("cluster")
        ignored = ["scalingConfig.desiredSize"] if arguments.read_plain("ignoreScalingChanges") else None
        group = aws.eks.NodeGroup(
            name,
            cluster_name=arguments.read_required("clusterName"),
            node_role_arn=pulumi.Output.from_input(arguments.read_required("nodeRole")).apply(lambda role: role.arn),
            subnet_ids=arguments.read_required("subnetIds"),
            scaling_config=pulumi.Output.from_input(arguments.read("scalingConfig", {})).apply(_sizes),
            launch_template=arguments.read_required("launchTemplate"),
            version=arguments.read_required("version"),
            ami_type=arguments.read("amiType"),
            labels=arguments.read("labels"),
            node_group_name=arguments.read("nodeGroupName"),
            taints=arguments.read("taints"),
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=ignored),
        )
        arguments.refuse_unread()
        self.state: dict[str, Any] = {"nodeGroup": group}
        self.register_outputs(self.state)


def _public_cidrs(name: str, cidrs: Sequence[str], public: bool | None) -> Sequence[str]:
    if public is False:
        raise pulumi.InputPropertyError(
            "publicAccessCidrs", f"{name}: `publicAccessCidrs` can only be set when `endpointPublicAccess` is true"
        )
    return cidrs


def _sizes(sizes: dict[str, Any]) -> aws.eks.NodeGroupScalingConfigArgs:
    desired, least, most = (int(sizes.get(name, default)) for name, default in DEFAULT_SIZES.items())
    return aws.eks.NodeGroupScalingConfigArgs(desired_size=desired, min_size=least, max_size=most)
