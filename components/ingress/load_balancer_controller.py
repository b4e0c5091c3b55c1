"""The AWS Load Balancer Controller, which creates Application Load Balancers for Ingresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.policy import Statement
from components.cluster.controller import Controller, install
from components.cluster.reference import ClusterReference
from components.kubernetes.scheduling import SYSTEM_REPLICAS, across_environments
from config.charts import LOAD_BALANCER_CONTROLLER

NAME = "aws-load-balancer-controller"
NOBODY = 65534

CLUSTER_TAG = "elbv2.k8s.aws/cluster"
"""Tag on every AWS resource that the controller creates; its value is the cluster's name.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/v3.3/guide/ingress/annotations/#resource-tags
"""

LOAD_BALANCER = "elasticloadbalancing"


def permissions(cluster: ClusterReference) -> list[Statement]:
    """IAM statements of the controller, from its documented policy.

    Permissions for Network Load Balancers, IAM server certificates, WAF Classic and Shield are left out. Where the
    documented policy requires the cluster tag with any value, this one requires the name of this cluster.
    https://github.com/kubernetes-sigs/aws-load-balancer-controller/blob/v3.3.0/docs/install/iam_policy.json
    """
    account = cluster.account
    cluster_resource = {f"aws:ResourceTag/{CLUSTER_TAG}": cluster.name}
    cluster_request = {f"aws:RequestTag/{CLUSTER_TAG}": cluster.name}
    security_groups = account.arn("ec2", "security-group/*")
    load_balancers = account.arn(LOAD_BALANCER, "loadbalancer/app/*/*")
    target_groups = account.arn(LOAD_BALANCER, "targetgroup/*/*")
    listeners = account.arn(LOAD_BALANCER, "listener/app/*/*/*")
    rules = account.arn(LOAD_BALANCER, "listener-rule/app/*/*/*/*")
    return [
        Statement(
            actions=["iam:CreateServiceLinkedRole"],
            resources=[account.iam_arn(f"role/aws-service-role/{LOAD_BALANCER}.amazonaws.com/*")],
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
        # The controller opens the cluster's security group, which EKS tags, to its load balancers.
        # https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html
        Statement(
            actions=["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"],
            resources=[security_groups],
            conditions={"StringEquals": {f"aws:ResourceTag/kubernetes.io/cluster/{cluster.name}": "owned"}},
        ),
        Statement(actions=["ec2:CreateSecurityGroup"], resources=[security_groups, account.arn("ec2", "vpc/*")]),
        Statement(
            actions=["ec2:CreateTags"],
            resources=[security_groups],
            conditions={"StringEquals": {"ec2:CreateAction": "CreateSecurityGroup", **cluster_request}},
        ),
        Statement(
            actions=["ec2:CreateTags", "ec2:DeleteTags"],
            resources=[security_groups],
            conditions={"Null": {f"aws:RequestTag/{CLUSTER_TAG}": "true"}, "StringEquals": cluster_resource},
        ),
        Statement(
            actions=[
                "ec2:AuthorizeSecurityGroupIngress",
                "ec2:DeleteSecurityGroup",
                "ec2:RevokeSecurityGroupIngress",
            ],
            resources=[security_groups],
            conditions={"StringEquals": cluster_resource},
        ),
        Statement(
            actions=[f"{LOAD_BALANCER}:CreateLoadBalancer", f"{LOAD_BALANCER}:CreateTargetGroup"],
            resources=[load_balancers, target_groups],
            conditions={"StringEquals": cluster_request},
        ),
        Statement(
            actions=[f"{LOAD_BALANCER}:AddTags"],
            resources=[load_balancers, target_groups],
            conditions={
                "StringEquals": cluster_request,
                "StringLike": {f"{LOAD_BALANCER}:CreateAction": "Create*"},
            },
        ),
        Statement(
            actions=[f"{LOAD_BALANCER}:AddTags", f"{LOAD_BALANCER}:RemoveTags"],
            resources=[load_balancers, target_groups],
            conditions={"Null": {f"aws:RequestTag/{CLUSTER_TAG}": "true"}, "StringEquals": cluster_resource},
        ),
        # As in the documented policy, these statements require no tag on listeners, rules and targets.
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
        Statement(actions=[f"{LOAD_BALANCER}:CreateListener"], resources=[load_balancers]),
        Statement(
            actions=[f"{LOAD_BALANCER}:DeregisterTargets", f"{LOAD_BALANCER}:RegisterTargets"],
            resources=[target_groups],
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
            resources=[load_balancers, target_groups, listeners],
            conditions={"StringEquals": cluster_resource},
        ),
        # The controller associates and disassociates web ACLs.
        Statement(
            actions=[
                f"{LOAD_BALANCER}:SetWebAcl",
                "wafv2:AssociateWebACL",
                "wafv2:DisassociateWebACL",
                "wafv2:GetWebACL",
                "wafv2:GetWebACLForResource",
            ],
            resources=[load_balancers, account.arn("wafv2", "regional/webacl/*/*")],
        ),
    ]


def values(cluster: ClusterReference, vpc_id: pulumi.Input[str], backend_group: pulumi.Input[str]) -> dict[str, object]:
    """Values of the chart, with the id of the shared backend security group.

    https://github.com/kubernetes-sigs/aws-load-balancer-controller/blob/v3.3.0/helm/aws-load-balancer-controller/values.yaml
    """
    return {
        "fullnameOverride": NAME,
        "clusterName": cluster.name,
        # Otherwise the controller would read both from instance metadata, which pods cannot reach.
        "region": cluster.account.region,
        "vpcId": vpc_id,
        "backendSecurityGroup": backend_group,
        "serviceAccount": {"name": NAME},
        "replicaCount": SYSTEM_REPLICAS,
        **across_environments({"app.kubernetes.io/name": NAME}),
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
        # Only its IngressClass decides which load balancer an Ingress uses.
        "createIngressClassResource": False,
        "disableIngressClassAnnotation": True,
        "disableIngressGroupNameAnnotation": True,
        # During an upgrade pods of both versions serve the webhooks, so these keep their certificate.
        "keepTLSSecret": True,
        # No webhooks for Services and pods: they would block these while the controller is down.
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
    """Arguments of `LoadBalancerController`.

    Attributes:
        cluster: The cluster.
        vpc_id: Id of the VPC.
        charts: Source of charts instead of their public repositories; None for those.
        nodes: Resources that its pods need in order to run.
    """

    cluster: ClusterReference
    vpc_id: pulumi.Input[str]
    charts: str | None
    nodes: Sequence[pulumi.Resource]


class LoadBalancerController(pulumi.ComponentResource):
    """Helm release, IAM role and backend security group. Needs `aws` and `kubernetes` providers in its options.

    Ingresses and IngressClasses must depend on it: its webhooks validate each change of them, and an Ingress deleted
    after the controller leaves its load balancer behind.
    """

    def __init__(self, name: str, args: LoadBalancerControllerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:LoadBalancerController", name, {}, opts)
        backend_group = self._backend_group(f"{name}-load-balancers", args.vpc_id)
        install(
            Controller(
                chart=LOAD_BALANCER_CONTROLLER,
                statements=permissions(args.cluster),
                values=values(args.cluster, args.vpc_id, backend_group.id),
            ),
            prefix=name,
            parent=self,
            cluster=args.cluster,
            charts=args.charts,
            nodes=args.nodes,
        )
        self.register_outputs({})

    def _backend_group(self, name: str, vpc_id: pulumi.Input[str]) -> aws.ec2.SecurityGroup:
        """The security group that all load balancers share, and that the rules of the nodes' group name as source.

        It has no rules: a load balancer has another group, of the controller, whose rules let requests in and out.
        Without it the controller creates one, which it forgets when it starts anew, and then never deletes: the VPC
        could not be deleted, either.
        https://kubernetes-sigs.github.io/aws-load-balancer-controller/v3.3/deploy/security_groups/
        https://github.com/kubernetes-sigs/aws-load-balancer-controller/blob/v3.3.0/pkg/networking/backend_sg_provider.go
        """
        return aws.ec2.SecurityGroup(
            name,
            name=name,
            description="Load balancers, in the rules of the security group of nodes",
            vpc_id=vpc_id,
            tags={"Name": name},
            opts=pulumi.ResourceOptions(parent=self),
        )
