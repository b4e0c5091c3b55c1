"""The EKS control plane, its access entries, and the Kubernetes providers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks
import pulumi_kubernetes as kubernetes

import config
import versions
from components.aws.account import Account
from components.aws.iam import Role, RoleArgs, Trust
from components.aws.log_group import LogGroup, LogGroupArgs, LogGroupDefaults
from components.aws.policy import Statement
from components.cluster.addons import BEFORE_NODES, Addons, AddonsArgs
from components.cluster.reference import ClusterReference
from config.partitions import arn
from contract.identities import DEPLOYERS

ADMIN_POLICY = "AmazonEKSClusterAdminPolicy"
VIEW_POLICY = "AmazonEKSViewPolicy"
"""Read access to what namespaces have, but for Secrets, RBAC and custom resources; none to nodes.

https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html
"""

DELETED_ONE_BY_ONE = (
    "kubernetes:networking.k8s.io/v1:Ingress",
    "kubernetes:core/v1:PersistentVolumeClaim",
    "kubernetes:helm.sh/v3:Release",
    "kubernetes:elasticsearch.k8s.elastic.co/v1:Elasticsearch",
)
"""Types that are deleted one by one: their controllers own resources outside the cluster, or their order matters."""


def access_entries(access: config.Cluster, partition: str) -> dict[str, eks.AccessEntryArgs]:
    """Access entries of the configured IAM roles, by resource name.

    An entry is named by its role, not by its index, so removing a role changes no other entry.
    """
    return {
        **{f"admin-{_name(arn)}": _entry(arn, partition, ADMIN_POLICY) for arn in access.admin_role_arns},
        **{
            f"deployer-{_name(arn)}": _entry(arn, partition, VIEW_POLICY, DEPLOYERS)
            for arn in access.deployer_role_arns
        },
        **{f"reader-{_name(arn)}": _entry(arn, partition, VIEW_POLICY) for arn in access.reader_role_arns},
    }


def _name(role_arn: str) -> str:
    """Account and role, as in `123456789012:role/NAME`: a resource name must not contain the ARN's double colon."""
    return role_arn.rpartition("::")[2]


def _entry(role_arn: str, partition: str, policy: str, *groups: str) -> eks.AccessEntryArgs:
    return eks.AccessEntryArgs(
        principal_arn=role_arn,
        kubernetes_groups=list(groups) or None,
        access_policies={
            policy: eks.AccessPolicyAssociationArgs(
                policy_arn=arn(partition, "eks", f"cluster-access-policy/{policy}", owner="aws"),
                access_scope=aws.eks.AccessPolicyAssociationAccessScopeArgs(type="cluster"),
            )
        },
    )


DAYS_OF_WARNING = 90
"""Before the end of standard support: time to try an upgrade, and to do it stack by stack."""


def support_warning(today: date) -> str | None:
    """Warning of every preview and `up` when EKS' standard support of the Kubernetes version ends soon; else None."""
    days = (versions.END_OF_STANDARD_SUPPORT - today).days
    if days > DAYS_OF_WARNING:
        return None
    return (
        f"EKS' standard support of Kubernetes {versions.KUBERNETES} ends on {versions.END_OF_STANDARD_SUPPORT}, "
        f"in {days} days; then EKS upgrades the cluster by itself. Raise the minor version before: docs/upgrades.md"
    )


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """Arguments of `Cluster`.

    Attributes:
        account: The AWS account.
        vpc_id: Id of the VPC.
        subnet_ids: Subnets of the API servers' network interfaces.
        access: CIDRs that reach the Kubernetes API, and IAM roles with access to it.
        secrets_key_arn: KMS key that encrypts Secrets in etcd.
        logs: Encryption and retention of the control plane's logs.
    """

    account: Account
    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    access: config.Cluster
    secrets_key_arn: pulumi.Input[str]
    logs: LogGroupDefaults


class Cluster(pulumi.ComponentResource):
    """EKS control plane with the add-ons that nodes need.

    Attributes:
        eks: The pulumi-eks component, an input of managed node groups.
        addons: Add-ons that must exist before the first node.
        name: Name of the cluster in AWS, resolved once it exists.
        reference: Name, ARN and issuer of the cluster.
        endpoint: URL of the Kubernetes API.
        kubeconfig: Kubeconfig as JSON; a secret.
        provider: Kubernetes provider; it refuses to create an object that exists already.
        kept_objects: Kubernetes provider for objects with `retain_on_delete`; it adopts one that exists already.
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
        if warning := support_warning(datetime.now(UTC).date()):
            pulumi.log.warn(warning, self)
        self.eks = eks.Cluster(
            name,
            name=name,
            version=versions.KUBERNETES,
            # When standard support ends, EKS upgrades the cluster instead of charging for extended support.
            upgrade_policy=aws.eks.ClusterUpgradePolicyArgs(support_type="STANDARD"),
            # Instead of `protect`, which pulumi-eks would pass on to each access entry.
            deletion_protection=args.account.protect,
            service_role=role.role,
            vpc_id=args.vpc_id,
            subnet_ids=args.subnet_ids,
            encryption_config_key_arn=args.secrets_key_arn,
            # https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html
            enabled_cluster_log_types=list(args.access.log_types),
            authentication_mode=eks.AuthenticationMode.API,
            access_entries=access_entries(args.access, args.account.partition),
            endpoint_private_access=True,
            endpoint_public_access=bool(args.access.public_access_cidrs),
            public_access_cidrs=args.access.public_access_cidrs or None,
            # `NodeGroup` creates the node groups, which use the cluster's own security group.
            skip_default_node_group=True,
            skip_default_security_groups=True,
            # Pods use Pod Identity. pulumi-eks would connect to the issuer for its thumbprint, even in previews.
            create_oidc_provider=False,
            # `Addons` installs every add-on, with a pinned version, configuration and IAM role.
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
            created_name=self.name,
            issuer=self.eks.eks_cluster.identities.apply(lambda identities: identities[0].oidcs[0].issuer),
        )
        self.addons = Addons(
            name,
            AddonsArgs(cluster=self.reference, addons=BEFORE_NODES),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.endpoint = self.eks.eks_cluster.endpoint
        self.kubeconfig = pulumi.Output.secret(self.eks.kubeconfig_json)
        self.provider = self._kubernetes_provider(name, upsert=False)
        self.kept_objects = self._kubernetes_provider(f"{name}-kept", upsert=True)
        self.register_outputs({"name": self.name, "endpoint": self.endpoint, "kubeconfig": self.kubeconfig})

    def deleted_with_cluster(
        self, resource: pulumi.ResourceTransformationArgs
    ) -> pulumi.ResourceTransformationResult | None:
        """Transformation that sets `deleted_with` on Kubernetes objects that own nothing outside the cluster."""
        if not resource.type_.startswith("kubernetes:") or resource.type_ in DELETED_ONE_BY_ONE:
            return None
        deleted_with = pulumi.ResourceOptions(deleted_with=self.eks)
        return pulumi.ResourceTransformationResult(
            resource.props, pulumi.ResourceOptions.merge(resource.opts, deleted_with)
        )

    def _role(self, name: str, account: Account, cluster_arn: str) -> Role:
        """IAM role of the control plane.

        https://docs.aws.amazon.com/eks/latest/userguide/cross-service-confused-deputy-prevention.html
        """
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
                # EKS writes logs until after the cluster's deletion, and would make the deleted log group again, which
                # the next `up` then could not (ResourceAlreadyExistsException).
                # https://github.com/terraform-aws-modules/terraform-aws-eks/issues/920
                statements=[Statement(effect="Deny", actions=["logs:CreateLogGroup"], resources=["*"])],
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _kubernetes_provider(self, name: str, *, upsert: bool) -> kubernetes.Provider:
        return kubernetes.Provider(
            name,
            kubeconfig=self.kubeconfig,
            enable_server_side_apply=True,
            # Upserting is dangerous: a renamed resource would adopt its object, and then delete it.
            upsert_existing_objects=upsert,
            # The default of 50 requests a second costs 20 ms for each resource; the API server limits requests itself.
            kube_client_settings=kubernetes.KubeClientSettingsArgs(qps=500, burst=1000),
            # Objects are replaced if the cluster is replaced, but not if only its kubeconfig changes.
            cluster_identifier=self.pulumi_resource_name,
            opts=pulumi.ResourceOptions(parent=self),
        )
