"""The EKS cluster's control plane, and the provider for what lives in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks
import pulumi_kubernetes as kubernetes

import settings
import versions

ADMIN_POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
"""https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html."""


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """What a `Cluster` is made from.

    Attributes:
        vpc_id: The VPC to stand in.
        private_subnet_ids: Where the control plane's interfaces and the nodes are.
        public_subnet_ids: Where public load balancers are.
        access: Who reaches the Kubernetes API, and who administers the cluster.
    """

    vpc_id: pulumi.Input[str]
    private_subnet_ids: Sequence[pulumi.Input[str]]
    public_subnet_ids: Sequence[pulumi.Input[str]]
    access: settings.Cluster


class Cluster(pulumi.ComponentResource):
    """An EKS control plane without nodes.

    Attributes:
        eks: The pulumi-eks component: managed node groups take it.
        name: The cluster's name in AWS.
        endpoint: URL of the Kubernetes API.
        kubeconfig: For `kubectl`, as JSON; a secret.
        provider: Makes Kubernetes objects in this cluster; refuses one that exists already.
        kept_objects: The same for objects that outlive their resource (`retain_on_delete`) and may be named again:
            takes over what exists.
    """

    eks: eks.Cluster
    name: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    provider: kubernetes.Provider
    kept_objects: kubernetes.Provider

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Cluster", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        self.eks = eks.Cluster(
            name,
            name=name,
            version=versions.KUBERNETES,
            vpc_id=args.vpc_id,
            private_subnet_ids=args.private_subnet_ids,
            public_subnet_ids=args.public_subnet_ids,
            authentication_mode=eks.AuthenticationMode.API,
            access_entries={
                f"admin-{index}": eks.AccessEntryArgs(
                    principal_arn=arn,
                    access_policies={
                        "admin": eks.AccessPolicyAssociationArgs(
                            policy_arn=ADMIN_POLICY,
                            access_scope=aws.eks.AccessPolicyAssociationAccessScopeArgs(type="cluster"),
                        )
                    },
                )
                for index, arn in enumerate(args.access.admin_role_arns)
            },
            endpoint_private_access=True,
            endpoint_public_access=bool(args.access.public_access_cidrs),
            public_access_cidrs=args.access.public_access_cidrs or None,
            # Node groups are ours, managed ones: they use the cluster's own security group.
            skip_default_node_group=True,
            skip_default_security_groups=True,
            # The provider would call the issuer's address over the network, in previews too: Pod Identity instead.
            create_oidc_provider=False,
            kube_proxy_addon_options=eks.KubeProxyAddonOptionsArgs(version=versions.KUBE_PROXY),
            vpc_cni_options=eks.VpcCniOptionsArgs(addon_version=versions.VPC_CNI),
            # coredns needs nodes to become healthy: it stands with them, in `Addons`.
            coredns_addon_options=eks.CoreDnsAddonOptionsArgs(enabled=False),
            opts=child,
        )
        self.name = self.eks.eks_cluster.name
        self.endpoint = self.eks.eks_cluster.endpoint
        self.kubeconfig = pulumi.Output.secret(self.eks.kubeconfig_json)
        self.provider = self._kubernetes(name, upsert=False)
        self.kept_objects = self._kubernetes(f"{name}-kept", upsert=True)
        self.register_outputs({"name": self.name, "endpoint": self.endpoint, "kubeconfig": self.kubeconfig})

    def _kubernetes(self, name: str, *, upsert: bool) -> kubernetes.Provider:
        return kubernetes.Provider(
            name,
            kubeconfig=self.kubeconfig,
            enable_server_side_apply=True,
            # Off where it can be: a renamed resource would take its object over, and then delete it.
            upsert_existing_objects=upsert,
            # Objects are replaced when the cluster is another one, not when its kubeconfig is written anew.
            cluster_identifier=self.pulumi_resource_name,
            opts=pulumi.ResourceOptions(parent=self),
        )
