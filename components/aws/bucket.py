"""S3 buckets: the one place that makes them, so that none is public, in clear, or reached without TLS."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.account import Account

ENCRYPTION = "AES256"
"""S3's own keys (SSE-S3): who reads a bucket's objects is said in one place. Load balancers write to no other bucket.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
"""

OLDEST_TLS = "1.2"


def arn(bucket: str) -> str:
    """The ARN of a bucket; its objects' begin with it and a slash."""
    return f"arn:aws:s3:::{bucket}"


def bucket_policy(bucket: str, statements: Sequence[Mapping[str, object]] = ()) -> str:
    """The JSON of a bucket's policy: nobody does anything without TLS 1.2 or newer; and the statements.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
    """
    everything = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [arn(bucket), f"{arn(bucket)}/*"]}
    only_tls = {"Sid": "OnlyTls", **everything, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    no_old_tls = {"Sid": "NoOldTls", **everything, "Condition": {"NumericLessThan": {"s3:TlsVersion": OLDEST_TLS}}}
    return json.dumps({"Version": "2012-10-17", "Statement": [*statements, only_tls, no_old_tls]})


@dataclass(frozen=True, kw_only=True)
class BucketArgs:
    """What a `Bucket` is made from.

    Attributes:
        account: The AWS account.
        bucket: Its name: those of all accounts are one list.
        lifecycle: What S3 deletes by itself.
        versioned: Whether what is deleted or written over can be had back.
        statements: Of its policy, besides those that every bucket has.
    """

    account: Account
    bucket: str
    lifecycle: Sequence[aws.s3.BucketLifecycleConfigurationRuleArgs]
    versioned: bool = False
    statements: Sequence[Mapping[str, object]] = ()


class Bucket(pulumi.ComponentResource):
    """A bucket that is closed to the public.

    Attributes:
        bucket: Its name, known once its policy holds.
    """

    bucket: pulumi.Output[str]

    def __init__(self, name: str, args: BucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Bucket", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        protect = args.account.protect
        made = aws.s3.Bucket(
            name,
            bucket=args.bucket,
            # A platform that may be deleted takes what is in it along.
            force_destroy=not protect,
            opts=pulumi.ResourceOptions(parent=self, protect=protect),
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
        by_default = aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
            sse_algorithm=ENCRYPTION
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=made.bucket,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=by_default
                )
            ],
            opts=child,
        )
        after: list[pulumi.Resource] = []
        if args.versioned:
            enabled = aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled")
            after.append(
                aws.s3.BucketVersioning(name, bucket=made.bucket, versioning_configuration=enabled, opts=child)
            )
        aws.s3.BucketLifecycleConfiguration(
            name,
            bucket=made.bucket,
            rules=list(args.lifecycle),
            opts=pulumi.ResourceOptions(parent=self, depends_on=after),
        )
        # S3 takes one change of a bucket's access at a time.
        policy = aws.s3.BucketPolicy(
            name,
            bucket=made.bucket,
            policy=bucket_policy(args.bucket, args.statements),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[closed]),
        )
        self.bucket = policy.bucket
        self.register_outputs({"bucket": self.bucket})
