"""The EKS cluster's control plane, and the providers for what lives in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks
import pulumi_kubernetes as kubernetes

import config
import versions
from components.aws.account import Account
from components.aws.iam import Role, RoleArgs, Trust
from components.aws.log_group import LogGroup, LogGroupArgs, LogGroupDefaults
from components.cluster.addons import BEFORE_NODES, Addons, AddonsArgs
from components.cluster.reference import ClusterReference
from contract.identities import DEPLOYERS

ADMIN_POLICY = "AmazonEKSClusterAdminPolicy"
VIEW_POLICY = "AmazonEKSViewPolicy"
"""Everything but secrets. https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html."""

LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")
"""All there are. https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html."""

WITH_THINGS_OUTSIDE = (
    "kubernetes:networking.k8s.io/v1:Ingress",
    "kubernetes:core/v1:PersistentVolumeClaim",
    "kubernetes:helm.sh/v3:Release",
    "kubernetes:elasticsearch.k8s.elastic.co/v1:Elasticsearch",
)
"""Kinds whose controllers make something outside the cluster, or which have an order of their own to leave in."""


def access_entries(access: config.Cluster) -> dict[str, eks.AccessEntryArgs]:
    """Who enters the cluster, and as what.

    Each entry is named by its role, not by its place in a list: whoever leaves takes nobody else's entry along.
    """
    return {
        **{f"admin-{_name(arn)}": _entry(arn, ADMIN_POLICY) for arn in access.admin_role_arns},
        **{f"deployer-{_name(arn)}": _entry(arn, VIEW_POLICY, DEPLOYERS) for arn in access.deployer_role_arns},
        **{f"reader-{_name(arn)}": _entry(arn, VIEW_POLICY) for arn in access.reader_role_arns},
    }


def _name(role_arn: str) -> str:
    """Account and role, as in `123456789012:role/NAME`: a URN has no room for the ARN's double colon."""
    return role_arn.rpartition("::")[2]


def _entry(role_arn: str, policy: str, *groups: str) -> eks.AccessEntryArgs:
    return eks.AccessEntryArgs(
        principal_arn=role_arn,
        kubernetes_groups=list(groups) or None,
        access_policies={
            policy: eks.AccessPolicyAssociationArgs(
                policy_arn=f"arn:aws:eks::aws:cluster-access-policy/{policy}",
                access_scope=aws.eks.AccessPolicyAssociationAccessScopeArgs(type="cluster"),
            )
        },
    )


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """What a `Cluster` is made from.

    Attributes:
        account: The AWS account.
        vpc_id: The VPC to stand in.
        subnet_ids: Where EKS makes the network interfaces of its API servers.
        access: Who reaches the Kubernetes API, and who enters it as what.
        secrets_key_arn: KMS key around the Secrets in etcd.
        logs: How the control plane's logs are kept.
    """

    account: Account
    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    access: config.Cluster
    secrets_key_arn: pulumi.Input[str]
    logs: LogGroupDefaults


class Cluster(pulumi.ComponentResource):
    """An EKS control plane that nodes can join.

    Attributes:
        eks: The pulumi-eks component: managed node groups take it.
        addons: What has to stand before the first node.
        name: The cluster's name in AWS, known once it exists.
        reference: The cluster's names, for what stands in it.
        endpoint: URL of the Kubernetes API.
        kubeconfig: For `kubectl`, as JSON; a secret.
        provider: Makes Kubernetes objects in this cluster; refuses one that exists already.
        kept_objects: The same for objects that outlive their resource (`retain_on_delete`) and may be named again:
            takes over what exists.
    """

    eks: eks.Cluster
    addons: Addons
    name: pulumi.Output[str]
    reference: ClusterReference
    endpoint: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    provider: kubernetes.Provider
    kept_objects: kubernetes.Provider

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Cluster", name, {}, opts)
        role = self._role(f"{name}-cluster", args.account, args.account.arn("eks", f"cluster/{name}"))
        logs = LogGroup(
            f"{name}-control-plane",
            LogGroupArgs(path=f"/aws/eks/{name}/cluster", defaults=args.logs),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.eks = eks.Cluster(
            name,
            name=name,
            version=versions.KUBERNETES,
            # At the end of a version's support EKS goes to the next one; otherwise it charges for extended support.
            upgrade_policy=aws.eks.ClusterUpgradePolicyArgs(support_type="STANDARD"),
            # In AWS and not as `protect`, which the component would hand on to each access entry.
            deletion_protection=args.account.protect,
            service_role=role.role,
            vpc_id=args.vpc_id,
            subnet_ids=args.subnet_ids,
            encryption_config_key_arn=args.secrets_key_arn,
            enabled_cluster_log_types=list(LOG_TYPES),
            authentication_mode=eks.AuthenticationMode.API,
            access_entries=access_entries(args.access),
            endpoint_private_access=True,
            endpoint_public_access=bool(args.access.public_access_cidrs),
            public_access_cidrs=args.access.public_access_cidrs or None,
            # Node groups are ours, managed ones: they use the cluster's own security group.
            skip_default_node_group=True,
            skip_default_security_groups=True,
            # The provider would call the issuer's address over the network, in previews too: Pod Identity instead.
            create_oidc_provider=False,
            # Every add-on is one of `Addons`: pinned, configured and with an identity of its own.
            bootstrap_self_managed_addons=False,
            use_default_vpc_cni=True,
            kube_proxy_addon_options=eks.KubeProxyAddonOptionsArgs(enabled=False),
            coredns_addon_options=eks.CoreDnsAddonOptionsArgs(enabled=False),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role, logs]),
        )
        self.name = self.eks.eks_cluster.name
        self.reference = ClusterReference(
            account=args.account,
            name=name,
            made=self.name,
            issuer=self.eks.eks_cluster.identities.apply(lambda known: known[0].oidcs[0].issuer),
        )
        self.addons = Addons(
            name,
            AddonsArgs(cluster=self.reference, addons=BEFORE_NODES),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.endpoint = self.eks.eks_cluster.endpoint
        self.kubeconfig = pulumi.Output.secret(self.eks.kubeconfig_json)
        self.provider = self._kubernetes(name, upsert=False)
        self.kept_objects = self._kubernetes(f"{name}-kept", upsert=True)
        self.register_outputs({"name": self.name, "endpoint": self.endpoint, "kubeconfig": self.kubeconfig})

    def deleted_with_cluster(
        self, made: pulumi.ResourceTransformationArgs
    ) -> pulumi.ResourceTransformationResult | None:
        """Transformation: an object that owns nothing outside the cluster is deleted with it, and not by itself."""
        if not made.type_.startswith("kubernetes:") or made.type_ in WITH_THINGS_OUTSIDE:
            return None
        goes = pulumi.ResourceOptions(deleted_with=self.eks)
        return pulumi.ResourceTransformationResult(made.props, pulumi.ResourceOptions.merge(made.opts, goes))

    def _role(self, name: str, account: Account, cluster_arn: str) -> Role:
        """https://docs.aws.amazon.com/eks/latest/userguide/cross-service-confused-deputy-prevention.html ."""
        return Role(
            name,
            RoleArgs(
                account=account,
                trust=Trust(
                    service="eks.amazonaws.com",
                    session_tags=True,
                    conditions={
                        "StringEquals": {"aws:SourceAccount": account.id},
                        "ArnLike": {"aws:SourceArn": cluster_arn},
                    },
                ),
                managed_policies=["AmazonEKSClusterPolicy"],
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _kubernetes(self, name: str, *, upsert: bool) -> kubernetes.Provider:
        return kubernetes.Provider(
            name,
            kubeconfig=self.kubeconfig,
            enable_server_side_apply=True,
            # Off where it can be: a renamed resource would take its object over, and then delete it.
            upsert_existing_objects=upsert,
            # The provider's own 50 requests a second are 20 ms a resource; the API server guards itself.
            kube_client_settings=kubernetes.KubeClientSettingsArgs(qps=500, burst=1000),
            # Objects are replaced when the cluster is another one, not when its kubeconfig is written anew.
            cluster_identifier=self.pulumi_resource_name,
            opts=pulumi.ResourceOptions(parent=self),
        )
