"""The cluster autoscaler: as many nodes in each node group as its pods need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

import versions
from components.aws.iam import Statement
from components.cluster.controller import Controller, install
from components.cluster.reference import ClusterReference
from components.kubernetes.spreading import REPLICAS, TOLERATIONS, spread
from config.charts import CLUSTER_AUTOSCALER

NAME = "cluster-autoscaler"
NOBODY = 65534


def permissions(cluster: ClusterReference) -> list[Statement]:
    """It looks at all groups, and changes the size of this cluster's only.

    EKS tags each managed node group's Auto Scaling group for it; what only describes knows no resource.
    https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md
    """
    return [
        Statement(
            actions=[
                "autoscaling:DescribeAutoScalingGroups",
                "autoscaling:DescribeAutoScalingInstances",
                "autoscaling:DescribeLaunchConfigurations",
                "autoscaling:DescribeScalingActivities",
                "ec2:DescribeImages",
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeLaunchTemplateVersions",
                "ec2:GetInstanceTypesFromInstanceRequirements",
            ],
            resources=["*"],
        ),
        Statement(
            actions=["eks:DescribeNodegroup"], resources=[cluster.account.arn("eks", f"nodegroup/{cluster.name}/*/*")]
        ),
        Statement(
            actions=["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"],
            resources=[cluster.account.arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/*")],
            conditions={"StringEquals": {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{cluster.name}": "owned"}},
        ),
    ]


def values(cluster: ClusterReference) -> dict[str, object]:
    """The chart's values.

    https://github.com/kubernetes/autoscaler/blob/cluster-autoscaler-chart-9.59.0/charts/cluster-autoscaler/values.yaml
    """
    return {
        "fullnameOverride": NAME,
        "nameOverride": NAME,
        "image": {"tag": f"v{versions.CLUSTER_AUTOSCALER}"},
        "cloudProvider": "aws",
        "awsRegion": cluster.account.region,
        "autoDiscovery": {"clusterName": cluster.name},
        "rbac": {"serviceAccount": {"name": NAME}},
        "replicaCount": REPLICAS,
        "tolerations": TOLERATIONS,
        "topologySpreadConstraints": spread({"app.kubernetes.io/name": NAME}),
        "resources": {"requests": {"cpu": "50m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": NOBODY,
            "runAsGroup": NOBODY,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containerSecurityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "extraArgs": {
            "expander": "least-waste",
            # A group a zone, and pods that spread over zones: the groups grow together.
            "balance-similar-node-groups": True,
            # coredns and the like have two replicas and a budget: they may move.
            "skip-nodes-with-system-pods": False,
        },
    }


@dataclass(frozen=True, kw_only=True)
class AutoscalerArgs:
    """What an `Autoscaler` is made from.

    Attributes:
        cluster: The cluster.
        charts: Where charts come from instead of their public repositories.
        nodes: What it runs on.
    """

    cluster: ClusterReference
    charts: str | None
    nodes: Sequence[pulumi.Resource]


class Autoscaler(pulumi.ComponentResource):
    """The autoscaler's chart, and the role of its pods. It takes providers of both, `aws` and `kubernetes`."""

    def __init__(self, name: str, args: AutoscalerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Autoscaler", name, {}, opts)
        install(
            Controller(
                chart=CLUSTER_AUTOSCALER,
                statements=permissions(args.cluster),
                values=values(args.cluster),
            ),
            prefix=name,
            parent=self,
            cluster=args.cluster,
            charts=args.charts,
            nodes=args.nodes,
        )
        self.register_outputs({})
