"""The stack's ECR repositories: the lifecycle policy of the layer cache, and IAM permissions on images. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import replace

from components.aws.kms import signing_statement
from components.aws.policy import Statement
from components.cluster.reference import ClusterReference
from components.delivery.jenkins.names import AGENT, CACHE

CACHE_DAYS = 14
"""How long cached layers are kept after their push."""

PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
PUSH = ("ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart")
SCAN = ("ecr:DescribeImages", "ecr:DescribeImageScanFindings", "ecr:StartImageScan")
INSPECTOR = ("inspector2:ListCoverage", "inspector2:ListFindings")
"""What ECR asks of its caller besides, where enhanced scanning is on. They know no resources.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-enhanced.html
"""


def cache_policy() -> str:
    """Lifecycle policy that expires layers `CACHE_DAYS` days after their push."""
    rule = {
        "rulePriority": 1,
        "description": f"layers of {CACHE_DAYS} days ago",
        "selection": {
            "tagStatus": "any",
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": CACHE_DAYS,
        },
        "action": {"type": "expire"},
    }
    return json.dumps({"rules": [rule]})


def of_jenkins(services: Collection[str]) -> list[str]:
    """Names of the repositories that Jenkins has, or would have: not one that a service has."""
    return [name for name in (AGENT, CACHE) if name not in services]


def on_images(cluster: ClusterReference, actions: Sequence[str], *, left_out: Sequence[str] = ()) -> list[Statement]:
    """IAM permissions of some actions on this stack's repositories.

    Not by their names, of which no more than 145 fit: the inline policies of a role have 10,240 characters at most.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html

    Args:
        cluster: The cluster, by whose name those of the repositories begin.
        actions: The actions.
        left_out: Names of repositories that are left out.
    """
    denied = Statement(actions=actions, resources=_arns(cluster, *left_out), effect="Deny")
    return [Statement(actions=actions, resources=_arns(cluster, "*")), *([denied] if left_out else [])]


def of_builds(
    cluster: ClusterReference,
    *,
    left_out: Sequence[str] = (),
    signing_key: str | None,
    docker_hub: Sequence[Statement] = (),
) -> list[Statement]:
    """IAM permissions of builds: push to this stack's repositories, read images and scan findings, and sign.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html

    Args:
        cluster: The cluster, by whose name those of the repositories begin.
        left_out: As of `on_images`.
        signing_key: ARN of the alias of the KMS key that signs images; None where none does.
        docker_hub: What pulling Docker Hub's images through ECR takes besides the right to pull.
    """
    return [
        Statement(actions=["ecr:GetAuthorizationToken", *INSPECTOR], resources=["*"]),
        *on_images(cluster, [*PULL, *PUSH, *SCAN], left_out=left_out),
        *([signing_statement(cluster.account, signing_key, "kms:Sign")] if signing_key else []),
        *(replace(one, actions=[*PULL, *one.actions]) for one in docker_hub),
    ]


def _arns(cluster: ClusterReference, *names: str) -> list[str]:
    return [cluster.account.arn("ecr", f"repository/{cluster.name}/{name}") for name in names]
