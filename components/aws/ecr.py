"""ECR repositories, one for each service."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from contract.blue_green import RELEASE_TAG_PREFIX

COMMIT_TAG_PREFIX = "commit-"
"""Prefix of the tags that builds set."""

KEPT_COMMITS = 50
UNTAGGED_DAYS = 7


def lifecycle_policy() -> str:
    """Lifecycle policy as JSON: expires untagged images and old builds, but none that has a `release-` tag.

    ECR applies only the first rule that matches an image. The first rule matches every image with a `release-` tag and
    expires none, since no repository exceeds its count (100,000 images are ECR's quota).
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
    """

    def expire(priority: int, description: str, selection: dict[str, object]) -> dict[str, object]:
        return {
            "rulePriority": priority,
            "description": description,
            "selection": selection,
            "action": {"type": "expire"},
        }

    rules = [
        expire(
            1,
            "keep what was released",
            {
                "tagStatus": "tagged",
                "tagPrefixList": [RELEASE_TAG_PREFIX],
                "countType": "imageCountMoreThan",
                "countNumber": 100_000,
            },
        ),
        expire(
            2,
            f"keep the last {KEPT_COMMITS} commits",
            {
                "tagStatus": "tagged",
                "tagPrefixList": [COMMIT_TAG_PREFIX],
                "countType": "imageCountMoreThan",
                "countNumber": KEPT_COMMITS,
            },
        ),
        expire(
            3,
            f"untagged for {UNTAGGED_DAYS} days",
            {
                "tagStatus": "untagged",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": UNTAGGED_DAYS,
            },
        ),
    ]
    return json.dumps({"rules": rules})


@dataclass(frozen=True, kw_only=True)
class EcrRepositoriesArgs:
    """Arguments of `EcrRepositories`.

    Attributes:
        namespace: Prefix of each repository's name, before the slash.
        services: Names of the services.
        key_arn: KMS key that encrypts the images.
        protect: Whether Pulumi refuses to delete a repository, and ECR one with images.
    """

    namespace: str
    services: Sequence[str]
    key_arn: pulumi.Input[str]
    protect: bool


class EcrRepositories(pulumi.ComponentResource):
    """ECR repositories of the services' images.

    Attributes:
        repository_urls: URL of each repository, by service.
        key_arn: KMS key that encrypts the images.
    """

    repository_urls: dict[str, pulumi.Output[str]]
    key_arn: pulumi.Input[str]

    def __init__(self, name: str, args: EcrRepositoriesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Registry", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        self.repository_urls = {}
        for service in args.services:
            repository = aws.ecr.Repository(
                f"{name}-{service}",
                name=f"{args.namespace}/{service}",
                image_tag_mutability="IMMUTABLE",
                image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
                encryption_configurations=[
                    aws.ecr.RepositoryEncryptionConfigurationArgs(encryption_type="KMS", kms_key=args.key_arn)
                ],
                # Otherwise a destroy stops at the first repository with images, after most else is gone.
                force_delete=not args.protect,
                opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
            )
            aws.ecr.LifecyclePolicy(
                f"{name}-{service}", repository=repository.name, policy=lifecycle_policy(), opts=child
            )
            self.repository_urls[service] = repository.repository_url
        self.key_arn = args.key_arn
        self.register_outputs({"repository_urls": self.repository_urls, "key_arn": self.key_arn})
