"""What a preview may ask of AWS, and who may preview. Pure."""

from __future__ import annotations

import config
from components.aws.account import Account
from components.aws.iam import IrsaRole, Statement

ISSUER = "token.actions.githubusercontent.com"
"""https://docs.github.com/en/actions/reference/security/oidc."""

AUDIENCE = "sts.amazonaws.com"

AUDITOR = "SecurityAudit"
"""How everything in the account is configured, and no data: `ReadOnlyAccess` reads every bucket's objects, too.

https://docs.aws.amazon.com/aws-managed-policy/latest/reference/SecurityAudit.html
"""


def permissions(account: Account, previews: config.Previews) -> list[Statement]:
    """What `AUDITOR` leaves out: some of EKS, and the stack's state and the key of its secrets.

    The state is read and never written: a preview takes no lock on a backend of one's own.
    """
    clusters = [account.arn("eks", f"{kind}/*") for kind in ("addon", "podidentityassociation")]
    found = [
        Statement(actions=["eks:DescribeAddonVersions"], resources=["*"]),
        Statement(actions=["eks:DescribeAddon", "eks:DescribePodIdentityAssociation"], resources=clusters),
    ]
    if previews.state_bucket:
        bucket = f"arn:aws:s3:::{previews.state_bucket}"
        found.append(Statement(actions=["s3:ListBucket", "s3:GetBucketLocation"], resources=[bucket]))
        found.append(Statement(actions=["s3:GetObject"], resources=[f"{bucket}/*"]))
    if previews.key_arn:
        found.append(Statement(actions=["kms:Decrypt"], resources=[previews.key_arn]))
    return found


def provider_arn(account: Account, previews: config.Previews) -> str:
    """GitHub's identity provider in IAM: the account's, or the one that this stack makes."""
    return previews.oidc_provider_arn or f"arn:aws:iam::{account.id}:oidc-provider/{ISSUER}"


def trust(account: Account, previews: config.Previews) -> IrsaRole:
    """Trust in the jobs of one environment of one repository."""
    provider = provider_arn(account, previews)
    issuer = provider.partition(":oidc-provider/")[2]
    subject = f"repo:{previews.repository}:environment:{previews.environment}"
    return IrsaRole(
        provider_arn=provider, conditions={"StringEquals": {f"{issuer}:aud": AUDIENCE, f"{issuer}:sub": subject}}
    )
