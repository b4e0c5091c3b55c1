"""The Cluster Autoscaler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

import versions
from components.aws.policy import Statement
from components.cluster.controller import Controller, install
from components.cluster.reference import ClusterReference
from components.kubernetes.scheduling import SYSTEM_REPLICAS, across_environments
from config.charts import CLUSTER_AUTOSCALER

NAME = "cluster-autoscaler"
NOBODY = 65534


def permissions(cluster: ClusterReference) -> list[Statement]:
    """IAM statements: it reads all Auto Scaling groups, and resizes those of this cluster only.

    EKS tags the Auto Scaling group of each managed node group. `Describe` actions have no resource-level permissions.
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


SECONDS_TO_DEREGISTER = 30
"""Time in which the load balancer controller has taken a tainted node out of its target groups."""

SECONDS_TO_TERMINATE = 600
"""The autoscaler's own limit of the grace period of pods that it evicts: what is longer is cut to it.

https://github.com/kubernetes/autoscaler/blob/cluster-autoscaler-1.36.0/cluster-autoscaler/FAQ.md
(`max-graceful-termination-sec`)
"""


def values(cluster: ClusterReference, *, longest_request_seconds: int, grace_seconds: int) -> dict[str, object]:
    """Values of the chart.

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
        "replicaCount": SYSTEM_REPLICAS,
        **across_environments({"app.kubernetes.io/name": NAME}),
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
            # There is one group in each zone, and pods spread over zones: the groups must grow together.
            "balance-similar-node-groups": True,
            # System pods have two replicas and a PodDisruptionBudget, so they may be evicted.
            "skip-nodes-with-system-pods": False,
            # Every service has an emptyDir for its scratch files: with the default no node would ever be removed.
            "skip-nodes-with-local-storage": False,
            # Unlike other labels of zones, it is not ignored by default when groups of several zones are compared.
            "balancing-ignore-label": "topology.k8s.aws/zone-id",
            # A node forwards requests to pods on other nodes: it stays until the load balancer has let go of it, which
            # the taint tells the controller, and until their open requests are done. The default is 5 s.
            "node-delete-delay-after-taint": f"{longest_request_seconds + SECONDS_TO_DEREGISTER}s",
            "max-graceful-termination-sec": max(grace_seconds, SECONDS_TO_TERMINATE),
        },
    }


@dataclass(frozen=True, kw_only=True)
class AutoscalerArgs:
    """Arguments of `Autoscaler`.

    Attributes:
        cluster: The cluster.
        charts: Source of charts instead of their public repositories; None for those.
        longest_request_seconds: Duration of the longest request of any service.
        grace_seconds: The longest termination grace period of any service.
        nodes: Resources that its pods need in order to run.
    """

    cluster: ClusterReference
    charts: str | None
    longest_request_seconds: int
    grace_seconds: int
    nodes: Sequence[pulumi.Resource]


class Autoscaler(pulumi.ComponentResource):
    """Helm release and IAM role of the Cluster Autoscaler. Needs `aws` and `kubernetes` providers in its options."""

    def __init__(self, name: str, args: AutoscalerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Autoscaler", name, {}, opts)
        install(
            Controller(
                chart=CLUSTER_AUTOSCALER,
                statements=permissions(args.cluster),
                values=values(
                    args.cluster,
                    longest_request_seconds=args.longest_request_seconds,
                    grace_seconds=args.grace_seconds,
                ),
            ),
            prefix=name,
            parent=self,
            cluster=args.cluster,
            charts=args.charts,
            nodes=args.nodes,
        )
        self.register_outputs({})
