"""The AWS account of a stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from config.partitions import arn, partition_of


@dataclass(frozen=True, kw_only=True)
class Account:
    """Account, region and what all AWS resources of a stack share.

    Attributes:
        id: Account id (twelve digits).
        region: AWS region.
        tags: Tags of every resource. The provider sets them by default; instances and volumes that AWS services
            create need them explicitly.
        permissions_boundary_arn: Permissions boundary of every IAM role; None for none.
        protect: Whether Pulumi refuses to delete resources that hold data.
    """

    id: str
    region: str
    tags: Mapping[str, str]
    permissions_boundary_arn: str | None
    protect: bool

    @property
    def partition(self) -> str:
        """The partition of the account's region."""
        return partition_of(self.region)

    def arn(self, service: str, resource: str) -> str:
        """ARN of a resource in this account and region."""
        return arn(self.partition, service, resource, region=self.region, owner=self.id)

    def iam_arn(self, resource: str) -> str:
        """ARN of something in this account's IAM."""
        return arn(self.partition, "iam", resource, owner=self.id)

    def bucket_arn(self, bucket: str) -> str:
        """ARN of a bucket; those of its objects are this, a slash and the key."""
        return arn(self.partition, "s3", bucket)

    def provider(self, name: str, *, region: pulumi.Input[str]) -> aws.Provider:
        """Registers an AWS provider: it refuses any other account, and tags every resource.

        Args:
            name: Its name in the program.
            region: The account's region, possibly as an output that others must wait for.
        """
        return aws.Provider(
            name,
            region=region,
            allowed_account_ids=[self.id],
            default_tags=aws.ProviderDefaultTagsArgs(tags=self.tags),
        )
