"""S3 buckets: private, encrypted, TLS only. Every bucket of the program is a `Bucket`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.account import Account
from components.aws.policy import Conditions, Statement, policy_document

ENCRYPTION = "AES256"
"""SSE-S3, the only encryption of buckets that load balancers can write access logs to.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
"""

MIN_TLS_VERSION = "1.2"


def tls_statements(bucket_arn: str) -> list[Statement]:
    """Statements of the bucket policy that deny every request without TLS, or with a version before 1.2.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
    """
    conditions: Mapping[str, Conditions] = {
        "OnlyTls": {"Bool": {"aws:SecureTransport": "false"}},
        "NoOldTls": {"NumericLessThan": {"s3:TlsVersion": MIN_TLS_VERSION}},
    }
    return [
        Statement(
            sid=sid,
            effect="Deny",
            principal="*",
            actions="s3:*",
            resources=[bucket_arn, f"{bucket_arn}/*"],
            conditions=condition,
        )
        for sid, condition in conditions.items()
    ]


@dataclass(frozen=True, kw_only=True)
class BucketArgs:
    """Arguments of `Bucket`.

    Attributes:
        account: The AWS account.
        bucket: Its name, which is global.
        lifecycle: Lifecycle rules.
        versioned: Whether S3 keeps old versions of deleted and overwritten objects.
        statements: Statements of the bucket policy besides those of every bucket.
    """

    account: Account
    bucket: str
    lifecycle: Sequence[aws.s3.BucketLifecycleConfigurationRuleArgs]
    versioned: bool = False
    statements: Sequence[Statement] = ()


class Bucket(pulumi.ComponentResource):
    """S3 bucket without public access.

    Attributes:
        bucket: Its name, resolved once its policy is in place.
    """

    bucket: pulumi.Output[str]

    def __init__(self, name: str, args: BucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Bucket", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        protect = args.account.protect
        bucket = aws.s3.Bucket(
            name,
            bucket=args.bucket,
            # `pulumi destroy` deletes the objects too, unless the stack is protected.
            force_destroy=not protect,
            opts=pulumi.ResourceOptions(parent=self, protect=protect),
        )
        public_access_block = aws.s3.BucketPublicAccessBlock(
            name,
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        encryption = aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
            sse_algorithm=ENCRYPTION
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=bucket.bucket,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=encryption
                )
            ],
            opts=child,
        )
        versioning: list[pulumi.Resource] = []
        if args.versioned:
            enabled = aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled")
            versioning.append(
                aws.s3.BucketVersioning(name, bucket=bucket.bucket, versioning_configuration=enabled, opts=child)
            )
        aws.s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.bucket,
            rules=list(args.lifecycle),
            opts=pulumi.ResourceOptions(parent=self, depends_on=versioning),
        )
        # S3 refuses concurrent changes of a bucket's access.
        policy = aws.s3.BucketPolicy(
            name,
            bucket=bucket.bucket,
            policy=policy_document([*args.statements, *tls_statements(args.account.bucket_arn(args.bucket))]),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[public_access_block]),
        )
        self.bucket = policy.bucket
        self.register_outputs({"bucket": self.bucket})
