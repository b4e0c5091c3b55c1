"""EKS access entries and Pod Identity associations.

https://docs.aws.amazon.com/eks/latest/userguide/cluster-auth.html
"""

from __future__ import annotations

import secrets
import string
from typing import Any

from rehearsal.emulators.aws import rules
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import Kind, Making, Reference, Refusal, taken, text
from rehearsal.emulators.aws.kinds.clusters import NO_SUCH_ROLE, constrained, of_cluster
from rehearsal.emulators.aws.kinds.roles import ROLE

ACCESS_ENTRY = "aws:eks/accessEntry:AccessEntry"
ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"

ACCESS_POLICIES = (
    "AmazonEKSAdminPolicy",
    "AmazonEKSAdminViewPolicy",
    "AmazonEKSClusterAdminPolicy",
    "AmazonEKSEditPolicy",
    "AmazonEKSSecretReaderPolicy",
    "AmazonEKSViewPolicy",
)
"""https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html."""


def _group_name(value: Any) -> None:
    if str(value).startswith("system:"):
        raise AwsError(
            "InvalidParameterException", f"The kubernetes group name {value} is invalid, it cannot start with system:"
        )


def _association_id(_: Making) -> str:
    return "a-" + "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(17))


KINDS = (
    Kind(
        type=ACCESS_ENTRY,
        make_id=text("{clusterName}:{principalArn}"),
        arn="arn:aws:eks:{region}:{account}:access-entry/{clusterName}/{principalArn}",
        arn_output="accessEntryArn",
        rules={
            "principalArn": rules.arn("iam"),
            "kubernetesGroups": _group_name,
            "type": rules.one_of(
                "EC2", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "HYBRID_LINUX", "HYPERPOD_LINUX", "STANDARD"
            ),
        },
        references=(of_cluster(),),
        refusals=(
            taken(
                ACCESS_ENTRY,
                "clusterName principalArn",
                "ResourceInUseException",
                "The specified access entry resource is already in use on this cluster.",
            ),
        ),
        replaces=frozenset({"clusterName", "principalArn", "type"}),
    ),
    Kind(
        type="aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        make_id=text("{clusterName}#{principalArn}#{policyArn}"),
        rules={
            "accessScope.type": rules.one_of("cluster", "namespace"),
            "policyArn": rules.pattern(
                rf"arn:aws:eks::aws:cluster-access-policy/({'|'.join(ACCESS_POLICIES)})",
                "InvalidParameterException",
                "The specified policyArn is invalid: {value}",
            ),
            "principalArn": rules.arn("iam"),
        },
        references=(
            of_cluster(),
            Reference(
                "principalArn",
                ACCESS_ENTRY,
                by="principalArn",
                missing=Refusal("ResourceNotFoundException", "The specified principalArn could not be found: {value}"),
                follows=True,
            ),
        ),
        replaces=frozenset({"accessScope", "clusterName", "policyArn", "principalArn"}),
        tagged=False,
    ),
    Kind(
        type=ASSOCIATION,
        make_id=_association_id,
        arn="arn:aws:eks:{region}:{account}:podidentityassociation/{clusterName}/{id}",
        arn_output="associationArn",
        rules={
            "namespace": constrained("namespace", r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"),
            "serviceAccount": constrained("serviceAccount", r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?"),
            "roleArn": rules.arn("iam"),
        },
        references=(of_cluster(), Reference("roleArn", ROLE, by="arn", missing=NO_SUCH_ROLE)),
        refusals=(
            taken(
                ASSOCIATION,
                "clusterName namespace serviceAccount",
                "ResourceInUseException",
                "Association already exists for {namespace}/{serviceAccount} in cluster {clusterName}",
            ),
        ),
        replaces=frozenset({"clusterName", "namespace", "serviceAccount"}),
    ),
)
