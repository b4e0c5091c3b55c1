"""ECR repositories, one for each service, and the cache of images from Docker Hub."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.account import Account
from components.aws.policy import Statement
from config.partitions import dns_suffix
from contract.blue_green import RELEASE_TAG_PREFIX
from contract.signatures import TAG_PREFIX as SIGNATURE_TAG_PREFIX

DOCKER_HUB = "docker.io"
"""Registry in the names of Docker Hub's images."""

COMMIT_TAG_PREFIX = "commit-"
"""Prefix of the tags that builds set."""

CACHED = ("fluent/fluentd-kubernetes-daemonset", "jenkins/jenkins", "kiwigrid/k8s-sidecar", "moby/buildkit")
"""Docker Hub's images that the platform runs: each has a repository, without which nodes cannot pull it."""

KEPT_SIGNATURES = 1000
"""Signatures of images that a repository keeps: those of many more images than it keeps."""

KEPT_COMMITS = 50
UNTAGGED_DAYS = 7


def lifecycle_policy(*, signatures: bool = False) -> str:
    """Lifecycle policy as JSON: expires untagged images and old builds, but none that has a `release-` tag.

    ECR applies only the first rule that matches an image. The first rule matches every image with a `release-` tag and
    expires none, since no repository exceeds its count (100,000 images are ECR's quota).
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html

    Args:
        signatures: Whether images are signed. A signature is an image of its own to ECR.
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
    if signatures:
        rules.append(
            expire(
                4,
                f"keep the last {KEPT_SIGNATURES} signatures",
                {
                    "tagStatus": "tagged",
                    "tagPatternList": [f"{SIGNATURE_TAG_PREFIX}*"],
                    "countType": "imageCountMoreThan",
                    "countNumber": KEPT_SIGNATURES,
                },
            )
        )
    return json.dumps({"rules": rules})


@dataclass(frozen=True, kw_only=True)
class EcrRepositoriesArgs:
    """Arguments of `EcrRepositories`.

    Attributes:
        account: The AWS account.
        namespace: Prefix of each repository's name, before the slash.
        services: Names of the services.
        key_arn: KMS key that encrypts the images.
        protect: Whether Pulumi refuses to delete a repository, and ECR one with images.
        docker_hub_secret_arn: Secret with a login of Docker Hub, with which ECR caches its images; None for no cache.
        signatures: Whether images are signed.
    """

    account: Account
    namespace: str
    services: Sequence[str]
    key_arn: pulumi.Input[str]
    protect: bool
    docker_hub_secret_arn: str | None
    signatures: bool = False


class EcrRepositories(pulumi.ComponentResource):
    """ECR repositories of the services' images.

    Attributes:
        repository_urls: URL of each repository, by service.
        key_arn: KMS key that encrypts the images.
        docker_hub: Where Docker Hub's images are pulled from: itself, or the cache, resolved once that can keep them.
        cache_statements: What builds need besides the right to pull, for images that the cache has no repository of.
    """

    repository_urls: dict[str, pulumi.Output[str]]
    key_arn: pulumi.Input[str]
    docker_hub: pulumi.Output[str]
    cache_statements: list[Statement]

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
                f"{name}-{service}",
                repository=repository.name,
                policy=lifecycle_policy(signatures=args.signatures),
                opts=child,
            )
            self.repository_urls[service] = repository.repository_url
        self.key_arn = args.key_arn
        self.docker_hub, self.cache_statements = self._cache_docker_hub(name, args)
        self.register_outputs(
            {"repository_urls": self.repository_urls, "key_arn": self.key_arn, "docker_hub": self.docker_hub}
        )

    def _cache_docker_hub(self, name: str, args: EcrRepositoriesArgs) -> tuple[pulumi.Output[str], list[Statement]]:
        """With a login, has ECR fetch an image when nodes pull it for the first time, and newer tags daily.

        Nodes may do that with `AmazonEC2ContainerRegistryPullOnly`, but make no repository: ECR would make one anew
        that a destroy has deleted before the nodes.

        https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html
        https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-iam.html

        Returns:
            The attributes `docker_hub` and `cache_statements`.
        """
        if not args.docker_hub_secret_arn:
            return pulumi.Output.from_input(DOCKER_HUB), []
        account, prefix = args.account, f"{args.namespace}-hub"
        rule = aws.ecr.PullThroughCacheRule(
            f"{name}-hub",
            ecr_repository_prefix=prefix,
            upstream_registry_url="registry-1.docker.io",
            credential_arn=args.docker_hub_secret_arn,
            opts=pulumi.ResourceOptions(parent=self),
        )
        repositories = [
            aws.ecr.Repository(
                f"{name}-hub-{image.replace('/', '-')}",
                name=f"{prefix}/{image}",
                # Docker Hub has the images still.
                force_delete=True,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for image in CACHED
        ]
        registry = f"{account.id}.dkr.ecr.{account.region}.{dns_suffix(account.region)}"
        made = pulumi.Output.all(rule.ecr_repository_prefix, *(repository.name for repository in repositories))
        creates = Statement(
            actions=["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"],
            resources=[account.arn("ecr", f"repository/{prefix}/*")],
        )
        return made.apply(lambda names: f"{registry}/{names[0]}"), [creates]


def from_docker_hub(image: str, source: pulumi.Input[str]) -> pulumi.Output[str]:
    """An image of Docker Hub as nodes pull it.

    Args:
        image: Its name, with the registry `docker.io` and the user or `library`.
        source: `EcrRepositories.docker_hub`.
    """
    return pulumi.Output.concat(source, image.removeprefix(DOCKER_HUB))
