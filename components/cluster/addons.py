"""EKS add-ons: the programs of the cluster that AWS packs and updates."""

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
from components.kubernetes.spreading import REPLICAS, TOLERATIONS, spread

NAMESPACE = "kube-system"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """As whom an add-on's pods act in AWS.

    Attributes:
        service_account: Their service account.
        managed_policy: Name of the policy that AWS keeps for the add-on, with its path.
    """

    service_account: str
    managed_policy: str


@dataclass(frozen=True, kw_only=True)
class Addon:
    """One add-on.

    Attributes:
        name: Its name in EKS.
        version: Its version.
        configuration: What is configured otherwise than by default: `aws eks describe-addon-configuration` has the
            schema.
        identity: As whom its pods act in AWS; None for nobody.
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
"""What a node needs in order to become ready: without it the first nodes would fail."""


def after_nodes(volume_tags: Mapping[str, str]) -> Sequence[Addon]:
    """What becomes healthy on nodes only, and what environments need in order to serve and scale.

    Args:
        volume_tags: Tags of the EBS volumes that pods claim.
    """
    return (
        Addon(
            name="coredns",
            version=versions.COREDNS,
            configuration={
                "replicaCount": REPLICAS,
                "tolerations": TOLERATIONS,
                "topologySpreadConstraints": spread({"k8s-app": "kube-dns"}),
            },
        ),
        Addon(
            name="aws-ebs-csi-driver",
            version=versions.EBS_CSI_DRIVER,
            configuration={
                "controller": {
                    "replicaCount": REPLICAS,
                    "tolerations": TOLERATIONS,
                    "topologySpreadConstraints": spread({"app": "ebs-csi-controller"}),
                    "extraVolumeTags": dict(volume_tags),
                }
            },
            # https://docs.aws.amazon.com/eks/latest/userguide/ebs-csi.html
            identity=Identity(
                service_account="ebs-csi-controller-sa", managed_policy="service-role/AmazonEBSCSIDriverPolicy"
            ),
        ),
        Addon(
            name="metrics-server",
            version=versions.METRICS_SERVER,
            configuration={
                "replicas": REPLICAS,
                "tolerations": TOLERATIONS,
                "topologySpreadConstraints": spread({"app.kubernetes.io/name": "metrics-server"}),
            },
        ),
    )


@dataclass(frozen=True, kw_only=True)
class AddonsArgs:
    """What `Addons` are made from.

    Attributes:
        cluster: The cluster.
        addons: The add-ons, of different names.
        nodes: What has to stand before they can become healthy.
    """

    cluster: ClusterReference
    addons: Sequence[Addon]
    nodes: Sequence[pulumi.Resource] = ()


class Addons(pulumi.ComponentResource):
    """Add-ons of a cluster, each at its pinned version, with the roles of their pods."""

    def __init__(self, name: str, args: AddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Addons", name, {}, opts)
        for addon in args.addons:
            self._addon(f"{name}-{addon.name}", addon, args)
        self.register_outputs({})

    def _addon(self, name: str, addon: Addon, args: AddonsArgs) -> None:
        role = self._role(name, addon.identity, args) if addon.identity else None
        aws.eks.Addon(
            name,
            cluster_name=args.cluster.made,
            addon_name=addon.name,
            addon_version=addon.version,
            configuration_values=json.dumps(addon.configuration) if addon.configuration else None,
            # The add-on makes its association before its pods: they get the role when they start, or never.
            pod_identity_associations=[
                aws.eks.AddonPodIdentityAssociationArgs(
                    role_arn=role.arn, service_account=addon.identity.service_account
                )
            ]
            if role and addon.identity
            else None,
            # The program is the one writer of what an add-on lets it configure.
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
