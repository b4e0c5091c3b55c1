"""Access logs: which request came to the load balancers, from where, and what it was answered."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.account import Account

DELIVERY = "logdelivery.elasticloadbalancing.amazonaws.com"
"""Who writes.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
"""

ENCRYPTION = "AES256"
"""S3's own keys (SSE-S3): Elastic Load Balancing writes to no bucket with a key of KMS.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
"""


def bucket_policy(account: Account, bucket: str) -> str:
    """Load balancers of this account write, and nobody does anything without TLS.

    Elastic Load Balancing itself puts the account's number into the path, so that no other account's logs come in.
    """
    arn = f"arn:aws:s3:::{bucket}"
    write = {
        "Sid": "LoadBalancersWrite",
        "Effect": "Allow",
        "Principal": {"Service": DELIVERY},
        "Action": "s3:PutObject",
        "Resource": f"{arn}/AWSLogs/{account.id}/*",
    }
    only_tls = {
        "Sid": "OnlyTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [write, only_tls]})


@dataclass(frozen=True, kw_only=True)
class AccessLogsArgs:
    """What `AccessLogs` are made from.

    Attributes:
        account: The AWS account.
        retention_days: How long each log is kept (1 or more).
    """

    account: Account
    retention_days: int


class AccessLogs(pulumi.ComponentResource):
    """A bucket that load balancers may write to. It takes a provider of `aws`.

    Attributes:
        bucket: Its name, known once load balancers may write: AWS tries that when one is told of it.
    """

    bucket: pulumi.Output[str]

    def __init__(self, name: str, args: AccessLogsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:AccessLogs", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        account = args.account
        # The names of all accounts' buckets are one list.
        bucket = f"{name}-access-logs-{account.id}-{account.region}"
        made = aws.s3.Bucket(
            name,
            bucket=bucket,
            # A platform that may be deleted takes its logs along.
            force_destroy=not account.protect,
            opts=pulumi.ResourceOptions(parent=self, protect=account.protect),
        )
        closed = aws.s3.BucketPublicAccessBlock(
            name,
            bucket=made.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        default = aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
            sse_algorithm=ENCRYPTION
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=made.bucket,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(apply_server_side_encryption_by_default=default)
            ],
            opts=child,
        )
        aws.s3.BucketLifecycleConfiguration(
            name,
            bucket=made.bucket,
            rules=[
                aws.s3.BucketLifecycleConfigurationRuleArgs(
                    id="retention",
                    status="Enabled",
                    filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                    expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=args.retention_days),
                )
            ],
            opts=child,
        )
        # S3 takes one change of a bucket's access at a time.
        policy = aws.s3.BucketPolicy(
            name,
            bucket=made.bucket,
            policy=bucket_policy(account, bucket),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[closed]),
        )
        self.bucket = policy.bucket
        self.register_outputs({"bucket": self.bucket})
