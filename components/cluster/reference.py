"""Name, ARN and issuer of an EKS cluster."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.aws.account import Account


@dataclass(frozen=True, kw_only=True)
class ClusterReference:
    """Identifiers of an EKS cluster.

    Attributes:
        account: Its AWS account.
        name: Its name, for IAM policies, which may exist before the cluster.
        created_name: Its name as an output of the cluster, for resources that depend on it.
        issuer: URL of its OIDC issuer, resolved once it exists.
    """

    account: Account
    name: str
    created_name: pulumi.Output[str]
    issuer: pulumi.Output[str]

    @property
    def arn(self) -> str:
        """ARN of the cluster."""
        return self.account.arn("eks", f"cluster/{self.name}")
