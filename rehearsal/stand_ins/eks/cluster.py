"""`eks.Cluster`, for a cluster whose nodes are not its own.

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

from rehearsal.layout import Layout
from rehearsal.stand_ins.eks.access import ServiceRole, access_entries
from rehearsal.stand_ins.eks.addons import VpcCniAddon, kube_proxy
from rehearsal.stand_ins.eks.arguments import Arguments, Taken

NEEDED = {
    "authenticationMode": "API",
    "skipDefaultNodeGroup": True,
    "skipDefaultSecurityGroups": True,
}
"""The arguments without which the component makes things that the stand-in does not."""


class Cluster(pulumi.ComponentResource):
    """The EKS cluster with its role, access entries and add-ons.

    Attributes:
        state: The component's outputs.
    """

    def __init__(self, name: str, arguments: Arguments, layout: Layout, opts: pulumi.ResourceOptions | None) -> None:
        super().__init__("eks:index:Cluster", name, {}, opts)
        given = Taken(arguments, f"eks.Cluster {name}")
        _refuse_other_ways(name, given)
        tags = given.take("tags")
        core: dict[str, Any] = {
            "vpcId": given.take("vpcId"),
            "publicSubnetIds": given.take("publicSubnetIds"),
            "privateSubnetIds": given.take("privateSubnetIds"),
            "tags": tags,
            "nodeGroupOptions": {},
            "instanceRoles": [],
            "storageClasses": {},
            "autoModeNodeRoleName": "",
        }
        core["subnetIds"] = given.take("subnetIds") or pulumi.Output.all(
            core["publicSubnetIds"] or [], core["privateSubnetIds"] or []
        ).apply(lambda both: [*both[0], *both[1]])
        core["clusterIamRole"], after_role = self._role(name, given, tags)
        key = given.take("encryptionConfigKeyArn")
        if key is not None:
            core["encryptionConfig"] = {"provider": {"keyArn": key}, "resources": ["secrets"]}
        entries = given.take_plain("accessEntries", {})
        core["accessEntries"] = list(entries.values())

        cluster = self._cluster(name, given, tags, core, after_role)
        core["cluster"], core["endpoint"] = cluster, cluster.endpoint
        kube_proxy(name, cluster, given.take_nested("kubeProxyAddonOptions") or Taken({}, ""), tags, self)
        kubeconfig = _kubeconfig(cluster, layout)
        core["kubeconfig"] = kubeconfig
        core["provider"] = kubernetes.Provider(
            f"{name}-eks-k8s", kubeconfig=kubeconfig.apply(json.dumps), opts=pulumi.ResourceOptions(parent=self)
        )
        made = access_entries(name, cluster, entries, self)
        if not given.take_plain("useDefaultVpcCni", False):
            core["vpcCni"] = VpcCniAddon(
                f"{name}-vpc-cni",
                cluster,
                given.take_nested("vpcCniOptions") or Taken({}, ""),
                tags,
                pulumi.ResourceOptions(parent=self, depends_on=made),
            )
        given.refuse_the_rest()
        self.state = _outputs(core, cluster, kubeconfig)
        self.register_outputs(self.state)

    def _role(self, name: str, given: Taken, tags: Any) -> tuple[Any, list[pulumi.Resource]]:
        """The cluster's role, and what has to stand before it can be used."""
        role = given.take("serviceRole")
        if role is not None:
            return role, []
        service_role = ServiceRole(f"{name}-eksRole", tags, pulumi.ResourceOptions(parent=self))
        return service_role.role, [service_role.attachment]

    def _cluster(
        self, name: str, given: Taken, tags: Any, core: dict[str, Any], after: list[pulumi.Resource]
    ) -> aws.eks.Cluster:
        cluster_tags = pulumi.Output.all(given.take("clusterTags"), tags).apply(
            lambda both: _merged({"Name": f"{name}-eksCluster"}, *both)
        )
        network = {
            "service_ipv4_cidr": given.take("kubernetesServiceIpAddressRange"),
            "ip_family": given.take("ipFamily"),
        }
        public, cidrs = given.take("endpointPublicAccess"), given.take("publicAccessCidrs")
        if cidrs is not None:
            cidrs = pulumi.Output.all(cidrs, public).apply(lambda both: _reachable_from(name, *both))
        return aws.eks.Cluster(
            f"{name}-eksCluster",
            name=given.take("name"),
            role_arn=pulumi.Output.from_input(core["clusterIamRole"]).apply(lambda role: role.arn),
            version=given.take("version"),
            bootstrap_self_managed_addons=given.take("bootstrapSelfManagedAddons", True),
            vpc_config={
                "subnet_ids": core["subnetIds"],
                "endpoint_private_access": given.take("endpointPrivateAccess"),
                "endpoint_public_access": public,
                "public_access_cidrs": cidrs,
            },
            kubernetes_network_config=aws.eks.ClusterKubernetesNetworkConfigArgs(**network)
            if any(value is not None for value in network.values())
            else None,
            enabled_cluster_log_types=given.take("enabledClusterLogTypes"),
            encryption_config=core.get("encryptionConfig"),
            access_config={"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": True},
            upgrade_policy=given.take("upgradePolicy"),
            deletion_protection=given.take("deletionProtection"),
            tags=cluster_tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=after,
                ignore_changes=["accessConfig.bootstrapClusterCreatorAdminPermissions", "bootstrapSelfManagedAddons"],
            ),
        )


def _refuse_other_ways(name: str, given: Taken) -> None:
    for argument, value in NEEDED.items():
        if given.take_plain(argument) != value:
            raise pulumi.InputPropertyError(argument, f"the eks stand-in makes {name} only with {argument}={value}")
    if given.take_plain("createOidcProvider", False):
        raise pulumi.InputPropertyError(
            "createOidcProvider", f"the eks stand-in makes no OIDC provider for {name}: use EKS Pod Identity"
        )
    if given.take_plain("autoMode"):
        raise pulumi.InputPropertyError("autoMode", f"the eks stand-in makes {name} without EKS Auto Mode")
    # Without nodes of its own the component makes coredns only if told to, and ignores what else is said of it.
    coredns = given.take_plain("corednsAddonOptions", {})
    if coredns.get("enabled") or coredns.get("configurationValues"):
        raise pulumi.InputPropertyError(
            "corednsAddonOptions", f"{name} has no nodes for coredns yet: make its aws.eks.Addon after a node group"
        )


def _reachable_from(name: str, cidrs: Sequence[str], public: bool | None) -> Sequence[str]:
    if public is False:
        raise pulumi.InputPropertyError(
            "publicAccessCidrs", f"{name}: `publicAccessCidrs` can only be set when `endpointPublicAccess` is true"
        )
    return cidrs


def _kubeconfig(cluster: aws.eks.Cluster, layout: Layout) -> pulumi.Output[Any]:
    """The local control plane's kubeconfig, known once the cluster is."""
    known_with = pulumi.Output.all(cluster.name, cluster.endpoint, cluster.certificate_authority)
    return known_with.apply(lambda _: yaml.safe_load(layout.kubeconfig.read_text()))


def _merged(*tags: dict[str, str] | None) -> dict[str, str]:
    return {key: value for some in tags for key, value in (some or {}).items()}


def _issuer(identities: Sequence[aws.eks.outputs.ClusterIdentity]) -> str:
    return next((str(oidc.issuer) for identity in identities for oidc in identity.oidcs or []), "")


def _outputs(core: dict[str, Any], cluster: aws.eks.Cluster, kubeconfig: pulumi.Output[Any]) -> dict[str, Any]:
    issuer: pulumi.Output[str] = cluster.identities.apply(_issuer)
    group = cluster.vpc_config.apply(lambda network: network.cluster_security_group_id)
    return {
        "core": core,
        "eksCluster": cluster,
        "kubeconfig": kubeconfig,
        "kubeconfigJson": kubeconfig.apply(lambda it: json.dumps(it, separators=(",", ":"))),
        "instanceRoles": [],
        # Without groups of the component's own, EKS's is given.
        "clusterSecurityGroupId": group,
        "nodeSecurityGroupId": group,
        "clusterIngressRuleId": "",
        "defaultNodeGroupAsgName": "",
        "fargateProfileId": "",
        "fargateProfileStatus": "",
        "oidcProviderArn": "",
        "oidcProviderUrl": issuer,
        "oidcIssuer": issuer.apply(lambda url: url.removeprefix("https://")),
        "autoModeNodeRoleName": "",
    }
