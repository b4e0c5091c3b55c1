"""EKS Pod Identity: IAM roles for service accounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.iam import Role, RoleArgs, Trust
from components.aws.policy import Statement
from components.cluster.reference import ClusterReference


def pods_trust(cluster: ClusterReference, namespace: str, service_account: str) -> Trust:
    """Trust policy for the pods of one service account in one cluster, by the session tags that EKS sets.

    https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html
    https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html
    """
    return Trust(
        service="pods.eks.amazonaws.com",
        session_tags=True,
        conditions={
            "StringEquals": {
                "aws:RequestTag/eks-cluster-arn": cluster.arn,
                "aws:RequestTag/kubernetes-namespace": namespace,
                "aws:RequestTag/kubernetes-service-account": service_account,
            }
        },
    )


@dataclass(frozen=True, kw_only=True)
class PodIdentityArgs:
    """Arguments of `PodIdentity`.

    Attributes:
        cluster: The cluster.
        namespace: Namespace of the service account.
        service_account: Name of the service account; it need not exist yet.
        statements: IAM statements of its pods.
        managed_policies: Names of AWS managed policies of its pods, with their path.
    """

    cluster: ClusterReference
    namespace: str
    service_account: str
    statements: Sequence[Statement]
    managed_policies: Sequence[str] = ()


class PodIdentity(pulumi.ComponentResource):
    """IAM role and its Pod Identity association with a service account.

    Pods get the role only when they start, so workloads must depend on this component.

    Attributes:
        role_arn: ARN of the role.
    """

    role_arn: pulumi.Output[str]

    def __init__(self, name: str, args: PodIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:PodIdentity", name, {}, opts)
        role = Role(
            name,
            RoleArgs(
                account=args.cluster.account,
                trust=pods_trust(args.cluster, args.namespace, args.service_account),
                managed_policies=args.managed_policies,
                statements=args.statements,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.eks.PodIdentityAssociation(
            name,
            cluster_name=args.cluster.created_name,
            namespace=args.namespace,
            service_account=args.service_account,
            role_arn=role.arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role]),
        )
        self.role_arn = role.arn
        self.register_outputs({"role_arn": self.role_arn})
