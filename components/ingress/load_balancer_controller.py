"""The AWS Load Balancer Controller: it makes the load balancers that Ingresses ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.aws.iam import Statement
from components.cluster.controller import Controller, install
from components.cluster.reference import ClusterReference
from components.kubernetes.spreading import REPLICAS, TOLERATIONS, spread
from config.charts import LOAD_BALANCER_CONTROLLER

NAME = "aws-load-balancer-controller"
NOBODY = 65534

CLUSTER_TAG = "elbv2.k8s.aws/cluster"
"""On everything that the controller makes; its value is the cluster's name.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/v3.3/guide/ingress/annotations/#resource-tags
"""

LOAD_BALANCER = "elasticloadbalancing"


def permissions(cluster: ClusterReference) -> list[Statement]:
    """What the controller's documentation lists, for Application Load Balancers of this cluster.

    Left out is what it needs for other load balancers, other certificates and other firewalls. Where the documented
    policy asks whether a resource has the cluster's tag, this one asks for this cluster's.
    https://github.com/kubernetes-sigs/aws-load-balancer-controller/blob/v3.3.0/docs/install/iam_policy.json
    """
    account = cluster.account
    ours = {f"aws:ResourceTag/{CLUSTER_TAG}": cluster.name}
    to_be_ours = {f"aws:RequestTag/{CLUSTER_TAG}": cluster.name}
    groups = account.arn("ec2", "security-group/*")
    balancers = account.arn(LOAD_BALANCER, "loadbalancer/app/*/*")
    targets = account.arn(LOAD_BALANCER, "targetgroup/*/*")
    listeners = account.arn(LOAD_BALANCER, "listener/app/*/*/*")
    rules = account.arn(LOAD_BALANCER, "listener-rule/app/*/*/*/*")
    return [
        Statement(
            actions=["iam:CreateServiceLinkedRole"],
            resources=[f"arn:aws:iam::{account.id}:role/aws-service-role/{LOAD_BALANCER}.amazonaws.com/*"],
            conditions={"StringEquals": {"iam:AWSServiceName": f"{LOAD_BALANCER}.amazonaws.com"}},
        ),
        Statement(
            actions=[
                "acm:DescribeCertificate",
                "acm:ListCertificates",
                "ec2:DescribeAccountAttributes",
                "ec2:DescribeAvailabilityZones",
                "ec2:DescribeInstances",
                "ec2:DescribeInternetGateways",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeRouteTables",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeTags",
                "ec2:DescribeVpcs",
                "ec2:GetSecurityGroupsForVpc",
                f"{LOAD_BALANCER}:DescribeCapacityReservation",
                f"{LOAD_BALANCER}:DescribeListenerAttributes",
                f"{LOAD_BALANCER}:DescribeListenerCertificates",
                f"{LOAD_BALANCER}:DescribeListeners",
                f"{LOAD_BALANCER}:DescribeLoadBalancerAttributes",
                f"{LOAD_BALANCER}:DescribeLoadBalancers",
                f"{LOAD_BALANCER}:DescribeRules",
                f"{LOAD_BALANCER}:DescribeSSLPolicies",
                f"{LOAD_BALANCER}:DescribeTags",
                f"{LOAD_BALANCER}:DescribeTargetGroupAttributes",
                f"{LOAD_BALANCER}:DescribeTargetGroups",
                f"{LOAD_BALANCER}:DescribeTargetHealth",
                f"{LOAD_BALANCER}:DescribeTrustStores",
            ],
            resources=["*"],
        ),
        # Load balancers reach nodes by the cluster's own security group, which EKS tags.
        # https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html
        Statement(
            actions=["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"],
            resources=[groups],
            conditions={"StringEquals": {f"aws:ResourceTag/kubernetes.io/cluster/{cluster.name}": "owned"}},
        ),
        Statement(actions=["ec2:CreateSecurityGroup"], resources=[groups, account.arn("ec2", "vpc/*")]),
        Statement(
            actions=["ec2:CreateTags"],
            resources=[groups],
            conditions={"StringEquals": {"ec2:CreateAction": "CreateSecurityGroup", **to_be_ours}},
        ),
        Statement(
            actions=["ec2:CreateTags", "ec2:DeleteTags"],
            resources=[groups],
            conditions={"Null": {f"aws:RequestTag/{CLUSTER_TAG}": "true"}, "StringEquals": ours},
        ),
        Statement(
            actions=[
                "ec2:AuthorizeSecurityGroupIngress",
                "ec2:DeleteSecurityGroup",
                "ec2:RevokeSecurityGroupIngress",
            ],
            resources=[groups],
            conditions={"StringEquals": ours},
        ),
        Statement(
            actions=[f"{LOAD_BALANCER}:CreateLoadBalancer", f"{LOAD_BALANCER}:CreateTargetGroup"],
            resources=[balancers, targets],
            conditions={"StringEquals": to_be_ours},
        ),
        Statement(
            actions=[f"{LOAD_BALANCER}:AddTags"],
            resources=[balancers, targets],
            conditions={
                "StringEquals": to_be_ours,
                "StringLike": {f"{LOAD_BALANCER}:CreateAction": "Create*"},
            },
        ),
        Statement(
            actions=[f"{LOAD_BALANCER}:AddTags", f"{LOAD_BALANCER}:RemoveTags"],
            resources=[balancers, targets],
            conditions={"Null": {f"aws:RequestTag/{CLUSTER_TAG}": "true"}, "StringEquals": ours},
        ),
        # The documented policy asks for no tag from here on where listeners, rules and targets are concerned.
        Statement(
            actions=[
                f"{LOAD_BALANCER}:AddListenerCertificates",
                f"{LOAD_BALANCER}:AddTags",
                f"{LOAD_BALANCER}:CreateListener",
                f"{LOAD_BALANCER}:CreateRule",
                f"{LOAD_BALANCER}:DeleteListener",
                f"{LOAD_BALANCER}:DeleteRule",
                f"{LOAD_BALANCER}:ModifyListener",
                f"{LOAD_BALANCER}:ModifyRule",
                f"{LOAD_BALANCER}:RemoveListenerCertificates",
                f"{LOAD_BALANCER}:RemoveTags",
                f"{LOAD_BALANCER}:SetRulePriorities",
            ],
            resources=[listeners, rules],
        ),
        Statement(actions=[f"{LOAD_BALANCER}:CreateListener"], resources=[balancers]),
        Statement(
            actions=[f"{LOAD_BALANCER}:DeregisterTargets", f"{LOAD_BALANCER}:RegisterTargets"], resources=[targets]
        ),
        Statement(
            actions=[
                f"{LOAD_BALANCER}:DeleteLoadBalancer",
                f"{LOAD_BALANCER}:DeleteTargetGroup",
                f"{LOAD_BALANCER}:ModifyListenerAttributes",
                f"{LOAD_BALANCER}:ModifyLoadBalancerAttributes",
                f"{LOAD_BALANCER}:ModifyTargetGroup",
                f"{LOAD_BALANCER}:ModifyTargetGroupAttributes",
                f"{LOAD_BALANCER}:SetIpAddressType",
                f"{LOAD_BALANCER}:SetSecurityGroups",
                f"{LOAD_BALANCER}:SetSubnets",
            ],
            resources=[balancers, targets, listeners],
            conditions={"StringEquals": ours},
        ),
        # It also takes a firewall away that is no longer wanted.
        Statement(
            actions=[
                f"{LOAD_BALANCER}:SetWebAcl",
                "wafv2:AssociateWebACL",
                "wafv2:DisassociateWebACL",
                "wafv2:GetWebACL",
                "wafv2:GetWebACLForResource",
            ],
            resources=[balancers, account.arn("wafv2", "regional/webacl/*/*")],
        ),
    ]


def values(cluster: ClusterReference, vpc_id: pulumi.Input[str]) -> dict[str, object]:
    """The chart's values.

    https://github.com/kubernetes-sigs/aws-load-balancer-controller/blob/v3.3.0/helm/aws-load-balancer-controller/values.yaml
    """
    return {
        "fullnameOverride": NAME,
        "clusterName": cluster.name,
        # Pods reach no instance metadata, which it would ask for both.
        "region": cluster.account.region,
        "vpcId": vpc_id,
        "serviceAccount": {"name": NAME},
        "replicaCount": REPLICAS,
        "tolerations": TOLERATIONS,
        "topologySpreadConstraints": spread({"app.kubernetes.io/name": NAME}),
        "podDisruptionBudget": {"maxUnavailable": 1},
        "resources": {"requests": {"cpu": "100m", "memory": "200Mi"}, "limits": {"memory": "200Mi"}},
        "podSecurityContext": {
            "fsGroup": NOBODY,
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
        },
        # Which load balancer an Ingress is on, its class says, and nothing else: nobody joins another's.
        "createIngressClassResource": False,
        "disableIngressClassAnnotation": True,
        "disableIngressGroupNameAnnotation": True,
        # An upgrade keeps the certificate of its webhooks, which pods of both versions answer meanwhile.
        "keepTLSSecret": True,
        # It has no business with Services and pods: what it does not see, it cannot hold up.
        "enableServiceMutatorWebhook": False,
        "enablePodReadinessGateInject": False,
        "controllerConfig": {
            "featureGates": {
                "ALBGatewayAPI": False,
                "EnableServiceController": False,
                "NLBGatewayAPI": False,
            }
        },
        "enableShield": False,
        "enableWaf": False,
        "defaultTags": dict(cluster.account.tags),
    }


@dataclass(frozen=True, kw_only=True)
class LoadBalancerControllerArgs:
    """What a `LoadBalancerController` is made from.

    Attributes:
        cluster: The cluster.
        vpc_id: The VPC that its load balancers stand in.
        charts: Where charts come from instead of their public repositories.
        nodes: What it runs on.
    """

    cluster: ClusterReference
    vpc_id: pulumi.Input[str]
    charts: str | None
    nodes: Sequence[pulumi.Resource]


class LoadBalancerController(pulumi.ComponentResource):
    """The controller's chart, and the role of its pods. It takes providers of both, `aws` and `kubernetes`.

    Ingresses and their classes come after it and go before it: it judges each change of one, and who goes last leaves
    a load balancer behind.
    """

    def __init__(self, name: str, args: LoadBalancerControllerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:LoadBalancerController", name, {}, opts)
        install(
            Controller(
                chart=LOAD_BALANCER_CONTROLLER,
                statements=permissions(args.cluster),
                values=values(args.cluster, args.vpc_id),
            ),
            prefix=name,
            parent=self,
            cluster=args.cluster,
            charts=args.charts,
            nodes=args.nodes,
        )
        self.register_outputs({})
