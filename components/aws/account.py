"""The AWS account: what every AWS resource of a stack shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi_aws as aws


@dataclass(frozen=True, kw_only=True)
class Account:
    """Where AWS resources stand, and what holds for all of them.

    Attributes:
        id: The account's twelve digits.
        region: AWS region.
        tags: For what the provider's default tags do not reach: instances and volumes that AWS makes for us.
        permissions_boundary_arn: IAM policy that bounds every role; None for no boundary.
        protect: Whether what holds data refuses to be deleted.
    """

    id: str
    region: str
    tags: Mapping[str, str]
    permissions_boundary_arn: str | None
    protect: bool

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of this account and region.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
        """
        return f"arn:aws:{service}:{self.region}:{self.id}:{resource}"

    def provider(self) -> aws.Provider:
        """Makes AWS resources in this account and no other, each with the tags."""
        return aws.Provider(
            "aws",
            region=self.region,
            allowed_account_ids=[self.id],
            default_tags=aws.ProviderDefaultTagsArgs(tags=self.tags),
        )
