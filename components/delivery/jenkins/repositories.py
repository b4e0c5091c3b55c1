"""Build agents and ECR: the lifecycle policy of the layer cache, and the agents' IAM permissions. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from components.aws.kms import signing_statement
from components.aws.policy import Statement
from components.cluster.reference import ClusterReference

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


def permissions(
    cluster: ClusterReference,
    repositories: Sequence[str],
    *,
    signing_key: str | None,
    docker_hub: Sequence[Statement] = (),
) -> list[Statement]:
    """IAM permissions of builds: push to some of this stack's repositories, read images and scan findings, and sign.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html

    Args:
        cluster: The cluster, by whose name those of the repositories begin.
        repositories: The rest of their names.
        signing_key: ARN of the alias of the KMS key that signs images; None where none does.
        docker_hub: What pulling Docker Hub's images through ECR takes besides the right to pull.
    """
    arns = [cluster.account.arn("ecr", f"repository/{cluster.name}/{name}") for name in repositories]
    return [
        Statement(actions=["ecr:GetAuthorizationToken", *INSPECTOR], resources=["*"]),
        Statement(actions=[*PULL, *PUSH, *SCAN], resources=arns),
        *([signing_statement(cluster.account, signing_key, "kms:Sign")] if signing_key else []),
        *(replace(one, actions=[*PULL, *one.actions]) for one in docker_hub),
    ]
