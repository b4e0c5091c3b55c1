"""Who may act: the cluster's own role, and the entries of those who may enter it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pulumi
import pulumi_aws as aws

from rehearsal.stand_ins.eks.arguments import Arguments, Taken

MANAGED_POLICY = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"

EKS_MAY_ASSUME = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Action": ["sts:AssumeRole", "sts:TagSession"],
                "Effect": "Allow",
                "Principal": {"Service": ["eks.amazonaws.com"]},
            }
        ],
    },
    separators=(",", ":"),
)


class ServiceRole(pulumi.ComponentResource):
    """The role that EKS acts in, with its policy attached.

    https://github.com/pulumi/pulumi-eks/blob/master/nodejs/eks/servicerole.ts

    Attributes:
        role: The IAM role.
        attachment: What has to stand before EKS can use the role.
    """

    def __init__(self, name: str, tags: Any, opts: pulumi.ResourceOptions) -> None:
        super().__init__("eks:index:ServiceRole", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.role = aws.iam.Role(
            f"{name}-role",
            description="Allows EKS to manage clusters on your behalf.",
            assume_role_policy=EKS_MAY_ASSUME,
            tags=tags,
            opts=child,
        )
        partition = aws.get_partition_output(opts=pulumi.InvokeOutputOptions(parent=self))
        digest = hashlib.sha1(MANAGED_POLICY.encode()).hexdigest()[:8]  # noqa: S324 - a name, as the component makes it
        self.attachment = aws.iam.RolePolicyAttachment(
            f"{name}-{digest}",
            policy_arn=pulumi.Output.format("arn:{0}:iam::aws:policy/AmazonEKSClusterPolicy", partition.partition),
            role=self.role.name,
            opts=child,
        )
        self.register_outputs({"directRole": self.role})


def access_entries(
    name: str, cluster: aws.eks.Cluster, entries: dict[str, Arguments], parent: pulumi.ComponentResource
) -> list[aws.eks.AccessEntry]:
    """An entry for each principal, and below it an association for each of its policies."""
    return [_access_entry(f"{name}-{key}", cluster, entry, parent) for key, entry in entries.items()]


def _access_entry(
    name: str, cluster: aws.eks.Cluster, arguments: Arguments, parent: pulumi.ComponentResource
) -> aws.eks.AccessEntry:
    given = Taken(arguments, f"eks.Cluster accessEntries {name}")
    principal, policies = given.take("principalArn"), given.take_plain("accessPolicies", {})
    entry = aws.eks.AccessEntry(
        name,
        cluster_name=cluster.name,
        principal_arn=principal,
        kubernetes_groups=given.take("kubernetesGroups"),
        type=given.take("type"),
        user_name=given.take("username"),
        tags=given.take("tags"),
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[cluster]),
    )
    given.refuse_the_rest()
    for key, association in policies.items():
        policy = pulumi.Output.from_input(association)
        aws.eks.AccessPolicyAssociation(
            f"{name}-{key}",
            cluster_name=cluster.name,
            principal_arn=principal,
            policy_arn=policy.apply(lambda it: it["policyArn"]),
            access_scope=policy.apply(
                lambda it: aws.eks.AccessPolicyAssociationAccessScopeArgs(
                    type=it["accessScope"]["type"], namespaces=it["accessScope"].get("namespaces")
                )
            ),
            opts=pulumi.ResourceOptions(parent=entry, depends_on=[entry]),
        )
    return entry
