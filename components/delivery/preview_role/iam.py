"""IAM permissions and trust policy of the preview roles. Pure."""

from __future__ import annotations

import config
from components.aws.account import Account
from components.aws.iam import OidcTrust
from components.aws.policy import Statement
from config import PROJECT
from config.partitions import dns_suffix

ISSUER = "token.actions.githubusercontent.com"
"""https://docs.github.com/en/actions/reference/security/oidc."""

STATES = ".pulumi/stacks"
"""Prefix of the states in a bucket."""

AUDIENCE = "sts.amazonaws.com"

AUDITOR = "SecurityAudit"
"""AWS managed policy that reads configuration and no data; `ReadOnlyAccess` would read the objects of every bucket.

https://docs.aws.amazon.com/aws-managed-policy/latest/reference/SecurityAudit.html
"""


def permissions(account: Account, previews: config.Previews) -> list[Statement]:
    """Permissions on top of `AUDITOR`: some of EKS, the certificate, this stack's state and the key of its secrets.

    None to write the state: on a self-managed backend, a preview takes no lock.
    """
    clusters = [account.arn("eks", f"{kind}/*") for kind in ("addon", "podidentityassociation")]
    statements = [
        Statement(actions=["eks:DescribeAddonVersions"], resources=["*"]),
        Statement(actions=["eks:DescribeAddon", "eks:DescribePodIdentityAssociation"], resources=clusters),
        # The look-up of an issued certificate reads its text, too, which is public.
        # https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/acm/certificate_data_source.go
        Statement(actions=["acm:GetCertificate"], resources=[account.arn("acm", "certificate/*")]),
    ]
    if previews.state_bucket:
        bucket = account.bucket_arn(previews.state_bucket)
        names = {"StringLike": {"s3:prefix": f"{STATES}/*"}}
        objects = [f"{bucket}/{key}" for key in state_objects(account.tags["stack"])]
        statements.append(Statement(actions=["s3:ListBucket"], resources=[bucket], conditions=names))
        statements.append(Statement(actions=["s3:GetObject"], resources=objects))
    if previews.state_key_arn:
        # As the key of objects only: stacks may share it, and it may once have been the key of their secrets, too.
        service = f"s3.{account.region}.{dns_suffix(account.region)}"
        through_s3 = {"StringEquals": {"kms:ViaService": service}}
        statements.append(Statement(actions=["kms:Decrypt"], resources=[previews.state_key_arn], conditions=through_s3))
    if previews.key_arn:
        statements.append(Statement(actions=["kms:Decrypt"], resources=[previews.key_arn]))
    return statements


def state_objects(stack: str) -> list[str]:
    """Keys of the objects that a preview of a stack reads in its S3 bucket. Other stacks' have their secrets.

    https://github.com/pulumi/pulumi/blob/v3.260.0/pkg/backend/diy/store.go
    """
    state = f"{STATES}/{PROJECT}/{stack}"
    return [".pulumi/meta.yaml", *(f"{state}.{end}" for end in ("json", "json.gz", "json.zst", "pulumi-tags"))]


def provider_arn(account: Account, previews: config.Previews) -> str:
    """ARN of the IAM identity provider for GitHub: the configured one, or the one that this stack creates."""
    return previews.oidc_provider_arn or account.iam_arn(f"oidc-provider/{ISSUER}")


def trust(account: Account, previews: config.Previews) -> OidcTrust:
    """Trust policy for the jobs of one GitHub environment of one repository."""
    provider = provider_arn(account, previews)
    issuer = provider.partition(":oidc-provider/")[2]
    subject = f"repo:{previews.repository}:environment:{previews.environment}"
    return OidcTrust(
        provider_arn=provider, conditions={"StringEquals": {f"{issuer}:aud": AUDIENCE, f"{issuer}:sub": subject}}
    )
