"""A cluster as what stands in it names it."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.aws.account import Account


@dataclass(frozen=True, kw_only=True)
class ClusterReference:
    """An EKS cluster's names.

    Attributes:
        account: The AWS account it stands in.
        name: Its name in AWS, for policies: they may stand before it.
        made: The same, known once it exists, for what stands in it.
        issuer: URL of who issues its service accounts' tokens, known once it exists.
    """

    account: Account
    name: str
    made: pulumi.Output[str]
    issuer: pulumi.Output[str]

    @property
    def arn(self) -> str:
        """Its ARN."""
        return self.account.arn("eks", f"cluster/{self.name}")
