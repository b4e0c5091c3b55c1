"""EKS add-ons."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

import versions
from components.aws.account import Account
from components.aws.iam import Role, RoleArgs
from components.aws.policy import Statement
from components.cluster.pod_identity import pods_trust
from components.cluster.reference import ClusterReference
from components.kubernetes.scheduling import SYSTEM_REPLICAS, across_environments
from config.partitions import dns_suffix

NAMESPACE = "kube-system"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """IAM role of an add-on's pods, by Pod Identity.

    Attributes:
        service_account: Service account of the pods.
        managed_policy: Name of the AWS managed policy for the add-on, with its path.
        statements: What the managed policy lacks.
    """

    service_account: str
    managed_policy: str
    statements: Sequence[Statement] = ()


@dataclass(frozen=True, kw_only=True)
class Addon:
    """One EKS add-on.

    Attributes:
        name: Its name in EKS.
        version: Its version.
        configuration: Values that differ from the defaults; `aws eks describe-addon-configuration` shows the schema.
        identity: IAM role of its pods; None for none.
        awaited: Whether other pods need it, so that they are created after it and deleted before it.
    """

    name: str
    version: str
    configuration: Mapping[str, object] = field(default_factory=dict[str, object])
    identity: Identity | None = None
    awaited: bool = True


BEFORE_NODES = (
    Addon(name="kube-proxy", version=versions.KUBE_PROXY),
    Addon(name="eks-pod-identity-agent", version=versions.POD_IDENTITY_AGENT),
    Addon(
        name="vpc-cni",
        version=versions.VPC_CNI,
        configuration={"enableNetworkPolicy": "true"},
        # https://docs.aws.amazon.com/eks/latest/userguide/cni-iam-role.html
        identity=Identity(service_account="aws-node", managed_policy="AmazonEKS_CNI_Policy"),
    ),
)
"""Add-ons that nodes need in order to become ready."""


def volume_key_statements(account: Account, key_arn: str) -> list[Statement]:
    """Statements for a role whose EBS volumes a customer managed key encrypts; EC2 alone uses the key.

    A volume is attached by a grant on the key, which EC2 lets the caller create.
    https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html#ebs-encryption-permissions
    https://docs.aws.amazon.com/eks/latest/userguide/ebs-csi.html
    """
    by_ec2 = {"StringEquals": {"kms:ViaService": f"ec2.{account.region}.{dns_suffix(account.region)}"}}
    return [
        Statement(
            actions=["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncrypt*"],
            resources=[key_arn],
            conditions=by_ec2,
        ),
        Statement(
            actions=["kms:CreateGrant"],
            resources=[key_arn],
            conditions={**by_ec2, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    ]


def after_nodes(account: Account, volume_key_arn: str | None) -> Sequence[Addon]:
    """Add-ons whose pods need nodes.

    Args:
        account: The AWS account, whose tags the EBS volumes of PersistentVolumeClaims get.
        volume_key_arn: Customer managed key that encrypts these volumes; None for the account's default key.
    """
    return (
        Addon(
            name="coredns",
            version=versions.COREDNS,
            configuration={
                "replicaCount": SYSTEM_REPLICAS,
                **across_environments({"k8s-app": "kube-dns"}),
            },
        ),
        Addon(
            name="aws-ebs-csi-driver",
            version=versions.EBS_CSI_DRIVER,
            configuration={
                "controller": {
                    "replicaCount": SYSTEM_REPLICAS,
                    **across_environments({"app": "ebs-csi-controller"}),
                    "extraVolumeTags": dict(account.tags),
                }
            },
            # Unlike AmazonEBSCSIDriverPolicy, only for volumes and snapshots that the driver has tagged as its own.
            # https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonEBSCSIDriverPolicyV2.html
            identity=Identity(
                service_account="ebs-csi-controller-sa",
                managed_policy="AmazonEBSCSIDriverPolicyV2",
                statements=volume_key_statements(account, volume_key_arn) if volume_key_arn else (),
            ),
        ),
        Addon(
            name="metrics-server",
            version=versions.METRICS_SERVER,
            configuration={
                "replicas": SYSTEM_REPLICAS,
                **across_environments({"app.kubernetes.io/name": "metrics-server"}),
            },
            # Autoscalers alone read it, again and again; its pods are not ready for their first 20 to 40 seconds.
            awaited=False,
        ),
    )


@dataclass(frozen=True, kw_only=True)
class AddonsArgs:
    """Arguments of `Addons`.

    Attributes:
        cluster: The cluster.
        addons: The add-ons, each with a different name.
        nodes: Resources that must exist before the add-ons can become healthy.
    """

    cluster: ClusterReference
    addons: Sequence[Addon]
    nodes: Sequence[pulumi.Resource] = ()


class Addons(pulumi.ComponentResource):
    """EKS add-ons at pinned versions, with the IAM roles of their pods.

    Attributes:
        awaited: Those that other pods need.
    """

    awaited: Sequence[aws.eks.Addon]

    def __init__(self, name: str, args: AddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Addons", name, {}, opts)
        made = [(one, self._addon(f"{name}-{one.name}", one, args)) for one in args.addons]
        self.awaited = [addon for one, addon in made if one.awaited]
        self.register_outputs({})

    def _addon(self, name: str, addon: Addon, args: AddonsArgs) -> aws.eks.Addon:
        role = self._role(name, addon.identity, args) if addon.identity else None
        return aws.eks.Addon(
            name,
            cluster_name=args.cluster.created_name,
            addon_name=addon.name,
            addon_version=addon.version,
            configuration_values=json.dumps(addon.configuration) if addon.configuration else None,
            # EKS creates the association before the pods, which get their role only when they start.
            pod_identity_associations=[
                aws.eks.AddonPodIdentityAssociationArgs(
                    role_arn=role.arn, service_account=addon.identity.service_account
                )
            ]
            if role and addon.identity
            else None,
            # The program owns the add-on's configuration.
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*args.nodes, *([role] if role else [])]),
        )

    def _role(self, name: str, identity: Identity, args: AddonsArgs) -> Role:
        return Role(
            name,
            RoleArgs(
                account=args.cluster.account,
                trust=pods_trust(args.cluster, NAMESPACE, identity.service_account),
                managed_policies=[identity.managed_policy],
                statements=identity.statements,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
