"""The AWS account of a stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi_aws as aws


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

    def arn(self, service: str, resource: str) -> str:
        """ARN of a resource in this account and region.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
        """
        return f"arn:aws:{service}:{self.region}:{self.id}:{resource}"

    def provider(self) -> aws.Provider:
        """Registers the AWS provider: it refuses any other account, and tags every resource."""
        return aws.Provider(
            "aws",
            region=self.region,
            allowed_account_ids=[self.id],
            default_tags=aws.ProviderDefaultTagsArgs(tags=self.tags),
        )
