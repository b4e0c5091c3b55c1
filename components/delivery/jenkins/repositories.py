"""Build agents and ECR: the lifecycle policy of the layer cache, and the agents' IAM permissions. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence

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


def permissions(cluster: ClusterReference, services: Sequence[str]) -> list[Statement]:
    """IAM permissions of the build agents: push to this stack's repositories, and read images and scan findings.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
    """
    repositories = [
        cluster.account.arn("ecr", f"repository/{cluster.name}/{name}") for name in (*services, AGENT, CACHE)
    ]
    return [
        Statement(actions=["ecr:GetAuthorizationToken", *INSPECTOR], resources=["*"]),
        Statement(actions=[*PULL, *PUSH, *SCAN], resources=repositories),
    ]
