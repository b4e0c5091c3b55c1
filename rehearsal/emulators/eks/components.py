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

NODE_GROUP_REQUIRES = ("clusterName", "nodeRole", "subnetIds", "launchTemplate", "version")

DEFAULT_SIZES = {"desiredSize": 2, "minSize": 1, "maxSize": 2}


def arguments_of(values: Mapping[str, Any], component: str, *, required: Sequence[str] = ()) -> dict[str, Any]:
    """The arguments that are set, by property name (camelCase); plain values or outputs.

    A component removes each that it uses; `refuse` gets the rest.

    Raises:
        pulumi.InputPropertyError: A required one is not set.
    """
    arguments = {name: value for name, value in values.items() if value is not None}
    for name in required:
        if name not in arguments:
            raise pulumi.InputPropertyError(name, f"the eks emulator creates {component} only with {name}")
    return arguments


def plain(arguments: dict[str, Any], name: str, component: str, default: Any = None) -> Any:
    """Removes an argument on which the component's children depend, and returns it or the default.

    Raises:
        pulumi.InputPropertyError: The value is an output, which is not known when children are registered.
    """
    value = arguments.pop(name, default)
    if isinstance(value, pulumi.Output):
        raise pulumi.InputPropertyError(name, f"{component}: it has to be a plain value, not an output")
    return value


def refuse(arguments: Mapping[str, Any], component: str) -> None:
    """Refuses arguments that the component has not used.

    Raises:
        pulumi.InputPropertiesError: There are some.
    """
    if arguments:
        raise pulumi.InputPropertiesError(
            f"the eks emulator lacks arguments of {component}. What to do: leave them out, or add them to "
            "rehearsal/emulators/eks/ as pulumi-eks 4.4.0 has them.",
            [
                {"property_path": name, "reason": f"the eks emulator has no {name} of {component}"}
                for name in sorted(arguments)
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
        component = f"eks.Cluster {name}"
        arguments = arguments_of(values, component)
        for argument, value in REQUIRED_VALUES.items():
            if plain(arguments, argument, component) != value:
                raise pulumi.InputPropertyError(
                    argument, f"the eks emulator creates {name} only with {argument}={value}"
                )
        for argument in ("corednsAddonOptions", "kubeProxyAddonOptions"):
            if plain(arguments, argument, component, {}).get("enabled") is not False:
                raise pulumi.InputPropertyError(
                    argument, f"the eks emulator creates {name} without add-ons: disable it"
                )
        arguments.pop("vpcId", None)
        entries = plain(arguments, "accessEntries", component, {})
        cluster = self._cluster(name, arguments)
        refuse(arguments, component)
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

    def _cluster(self, name: str, arguments: dict[str, Any]) -> aws.eks.Cluster:
        public, cidrs = arguments.pop("endpointPublicAccess", None), arguments.pop("publicAccessCidrs", None)
        if cidrs is not None:
            cidrs = pulumi.Output.all(cidrs, public).apply(lambda values: _public_cidrs(name, *values))
        return aws.eks.Cluster(
            f"{name}-eksCluster",
            name=arguments.pop("name", None),
            role_arn=pulumi.Output.from_input(arguments.pop("serviceRole", None)).apply(lambda role: role.arn),
            version=arguments.pop("version", None),
            bootstrap_self_managed_addons=arguments.pop("bootstrapSelfManagedAddons", True),
            vpc_config={
                "subnet_ids": arguments.pop("subnetIds", None),
                "endpoint_private_access": arguments.pop("endpointPrivateAccess", None),
                "endpoint_public_access": public,
                "public_access_cidrs": cidrs,
            },
            enabled_cluster_log_types=arguments.pop("enabledClusterLogTypes", None),
            encryption_config={
                "provider": {"key_arn": arguments.pop("encryptionConfigKeyArn", None)},
                "resources": ["secrets"],
            },
            access_config={"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": True},
            upgrade_policy=arguments.pop("upgradePolicy", None),
            deletion_protection=arguments.pop("deletionProtection", None),
            tags={"Name": f"{name}-eksCluster"},
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=["accessConfig.bootstrapClusterCreatorAdminPermissions", "bootstrapSelfManagedAddons"],
            ),
        )

    def _access_entry(self, name: str, cluster: aws.eks.Cluster, values: Mapping[str, Any]) -> None:
        """An access entry with its policy associations as children."""
        component = f"eks.Cluster accessEntries {name}"
        arguments = arguments_of(values, component)
        principal, policies = arguments.pop("principalArn", None), plain(arguments, "accessPolicies", component, {})
        entry = aws.eks.AccessEntry(
            name,
            cluster_name=cluster.name,
            principal_arn=principal,
            kubernetes_groups=arguments.pop("kubernetesGroups", None),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[cluster]),
        )
        refuse(arguments, component)
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
        component = f"eks.ManagedNodeGroup {name}"
        arguments = arguments_of(values, component, required=NODE_GROUP_REQUIRES)
        arguments.pop("cluster", None)
        ignored = ["scalingConfig.desiredSize"] if plain(arguments, "ignoreScalingChanges", component) else None
        group = aws.eks.NodeGroup(
            name,
            cluster_name=arguments.pop("clusterName"),
            node_role_arn=pulumi.Output.from_input(arguments.pop("nodeRole")).apply(lambda role: role.arn),
            subnet_ids=arguments.pop("subnetIds"),
            scaling_config=pulumi.Output.from_input(arguments.pop("scalingConfig", {})).apply(_sizes),
            launch_template=arguments.pop("launchTemplate"),
            version=arguments.pop("version"),
            release_version=arguments.pop("releaseVersion", None),
            ami_type=arguments.pop("amiType", None),
            labels=arguments.pop("labels", None),
            node_group_name=arguments.pop("nodeGroupName", None),
            taints=arguments.pop("taints", None),
            instance_types=arguments.pop("instanceTypes", None),
            capacity_type=arguments.pop("capacityType", None),
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=ignored),
        )
        refuse(arguments, component)
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
