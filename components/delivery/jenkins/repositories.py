"""ECR for what builds: the agents' own image, and the layers between builds; and who may push to which."""

from __future__ import annotations

import json
from collections.abc import Sequence

from components.aws.iam import Statement
from components.cluster.reference import ClusterReference
from components.delivery.jenkins.names import AGENT, CACHE

CACHE_DAYS = 14

PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
PUSH = ("ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart")
LOOK = ("ecr:DescribeImages", "ecr:DescribeImageScanFindings")


def cache_policy() -> str:
    """A layer that no build asked for in a while is built again."""
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
    """What agents that build may do in AWS: push to this stack's repositories, and look at what they pushed.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
    """
    repositories = [
        cluster.account.arn("ecr", f"repository/{cluster.name}/{name}") for name in (*services, AGENT, CACHE)
    ]
    return [
        Statement(actions=["ecr:GetAuthorizationToken"], resources=["*"]),
        Statement(actions=[*PULL, *PUSH, *LOOK], resources=repositories),
    ]
