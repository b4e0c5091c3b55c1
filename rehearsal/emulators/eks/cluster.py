"""`eks.Cluster`, for a cluster whose role, node groups and add-ons are made outside the component.

https://github.com/pulumi/pulumi-eks/blob/master/nodejs/eks/cluster/cluster.ts
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes
import yaml

from rehearsal.emulators.eks.arguments import Arguments, Taken
from rehearsal.layout import Layout

NEEDED = {
    "authenticationMode": "API",
    "createOidcProvider": False,
    "skipDefaultNodeGroup": True,
    "skipDefaultSecurityGroups": True,
    "useDefaultVpcCni": True,
}
"""Required values of arguments: any other makes the real component create children that the emulator does not."""


class Cluster(pulumi.ComponentResource):
    """The EKS cluster with its access entries.

    Attributes:
        state: The component's outputs.
    """

    def __init__(self, name: str, arguments: Arguments, layout: Layout, opts: pulumi.ResourceOptions | None) -> None:
        super().__init__("eks:index:Cluster", name, {}, opts)
        given = Taken(arguments, f"eks.Cluster {name}")
        for argument, value in NEEDED.items():
            if given.take_plain(argument) != value:
                raise pulumi.InputPropertyError(argument, f"the eks stand-in makes {name} only with {argument}={value}")
        for argument in ("corednsAddonOptions", "kubeProxyAddonOptions"):
            if given.take_plain(argument, {}).get("enabled") is not False:
                raise pulumi.InputPropertyError(argument, f"the eks stand-in makes {name} without add-ons: disable it")
        given.take("vpcId")
        entries = given.take_plain("accessEntries", {})
        cluster = self._cluster(name, given)
        given.refuse_the_rest()
        kubeconfig = _kubeconfig(cluster, layout)
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

    def _cluster(self, name: str, given: Taken) -> aws.eks.Cluster:
        public, cidrs = given.take("endpointPublicAccess"), given.take("publicAccessCidrs")
        if cidrs is not None:
            cidrs = pulumi.Output.all(cidrs, public).apply(lambda both: _reachable_from(name, *both))
        return aws.eks.Cluster(
            f"{name}-eksCluster",
            name=given.take("name"),
            role_arn=pulumi.Output.from_input(given.take("serviceRole")).apply(lambda role: role.arn),
            version=given.take("version"),
            bootstrap_self_managed_addons=given.take("bootstrapSelfManagedAddons", True),
            vpc_config={
                "subnet_ids": given.take("subnetIds"),
                "endpoint_private_access": given.take("endpointPrivateAccess"),
                "endpoint_public_access": public,
                "public_access_cidrs": cidrs,
            },
            enabled_cluster_log_types=given.take("enabledClusterLogTypes"),
            encryption_config={
                "provider": {"key_arn": given.take("encryptionConfigKeyArn")},
                "resources": ["secrets"],
            },
            access_config={"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": True},
            upgrade_policy=given.take("upgradePolicy"),
            deletion_protection=given.take("deletionProtection"),
            tags={"Name": f"{name}-eksCluster"},
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=["accessConfig.bootstrapClusterCreatorAdminPermissions", "bootstrapSelfManagedAddons"],
            ),
        )

    def _access_entry(self, name: str, cluster: aws.eks.Cluster, arguments: Arguments) -> None:
        """An access entry with its policy associations as children."""
        given = Taken(arguments, f"eks.Cluster accessEntries {name}")
        principal, policies = given.take("principalArn"), given.take_plain("accessPolicies", {})
        entry = aws.eks.AccessEntry(
            name,
            cluster_name=cluster.name,
            principal_arn=principal,
            kubernetes_groups=given.take("kubernetesGroups"),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[cluster]),
        )
        given.refuse_the_rest()
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


def _reachable_from(name: str, cidrs: Sequence[str], public: bool | None) -> Sequence[str]:
    if public is False:
        raise pulumi.InputPropertyError(
            "publicAccessCidrs", f"{name}: `publicAccessCidrs` can only be set when `endpointPublicAccess` is true"
        )
    return cidrs


def _kubeconfig(cluster: aws.eks.Cluster, layout: Layout) -> pulumi.Output[Any]:
    """The local control plane's kubeconfig, known once the cluster's endpoint is."""
    return cluster.endpoint.apply(lambda _: yaml.safe_load(layout.kubeconfig.read_text()))
