"""EKS add-ons."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

import versions
from components.aws.iam import Role, RoleArgs
from components.cluster.pod_identity import pods_trust
from components.cluster.reference import ClusterReference
from components.kubernetes.scheduling import SYSTEM_REPLICAS, across_environments

NAMESPACE = "kube-system"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """IAM role of an add-on's pods, by Pod Identity.

    Attributes:
        service_account: Service account of the pods.
        managed_policy: Name of the AWS managed policy for the add-on, with its path.
    """

    service_account: str
    managed_policy: str


@dataclass(frozen=True, kw_only=True)
class Addon:
    """One EKS add-on.

    Attributes:
        name: Its name in EKS.
        version: Its version.
        configuration: Values that differ from the defaults; `aws eks describe-addon-configuration` shows the schema.
        identity: IAM role of its pods; None for none.
    """

    name: str
    version: str
    configuration: Mapping[str, object] = field(default_factory=dict[str, object])
    identity: Identity | None = None


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


def after_nodes(volume_tags: Mapping[str, str]) -> Sequence[Addon]:
    """Add-ons whose pods need nodes.

    Args:
        volume_tags: Tags of the EBS volumes of PersistentVolumeClaims.
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
                    "extraVolumeTags": dict(volume_tags),
                }
            },
            # Unlike AmazonEBSCSIDriverPolicy, only for volumes and snapshots that the driver has tagged as its own.
            # https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonEBSCSIDriverPolicyV2.html
            identity=Identity(service_account="ebs-csi-controller-sa", managed_policy="AmazonEBSCSIDriverPolicyV2"),
        ),
        Addon(
            name="metrics-server",
            version=versions.METRICS_SERVER,
            configuration={
                "replicas": SYSTEM_REPLICAS,
                **across_environments({"app.kubernetes.io/name": "metrics-server"}),
            },
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
    """EKS add-ons at pinned versions, with the IAM roles of their pods."""

    def __init__(self, name: str, args: AddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Addons", name, {}, opts)
        for addon in args.addons:
            self._addon(f"{name}-{addon.name}", addon, args)
        self.register_outputs({})

    def _addon(self, name: str, addon: Addon, args: AddonsArgs) -> None:
        role = self._role(name, addon.identity, args) if addon.identity else None
        aws.eks.Addon(
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
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
