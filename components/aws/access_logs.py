"""Access logs of the load balancers, in an S3 bucket."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.account import Account
from components.aws.bucket import Bucket, BucketArgs
from components.aws.policy import Statement

LOG_DELIVERY = "logdelivery.elasticloadbalancing.amazonaws.com"
"""Service principal that writes access logs.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
"""


def log_delivery_statement(account: Account, bucket: str) -> Statement:
    """Statement of the bucket policy that lets the account's load balancers write their logs.

    Elastic Load Balancing puts the account id of the load balancer into the object key: other accounts cannot write.
    """
    return Statement(
        sid="LoadBalancersWrite",
        principal={"Service": LOG_DELIVERY},
        actions="s3:PutObject",
        resources=f"{account.bucket_arn(bucket)}/AWSLogs/{account.id}/*",
    )


@dataclass(frozen=True, kw_only=True)
class AccessLogsArgs:
    """Arguments of `AccessLogs`.

    Attributes:
        account: The AWS account.
        retention_days: Days until a log is deleted (1 or more).
    """

    account: Account
    retention_days: int


class AccessLogs(pulumi.ComponentResource):
    """S3 bucket of the load balancers' access logs. Needs an `aws` provider in its options.

    Attributes:
        bucket: Its name, resolved once its policy is in place: AWS tries to write when a load balancer gets the name.
    """

    bucket: pulumi.Output[str]

    def __init__(self, name: str, args: AccessLogsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:AccessLogs", name, {}, opts)
        account = args.account
        # Bucket names are global.
        bucket_name = f"{name}-access-logs-{account.id}-{account.region}"
        retention = aws.s3.BucketLifecycleConfigurationRuleArgs(
            id="retention",
            status="Enabled",
            filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
            expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=args.retention_days),
        )
        bucket = Bucket(
            name,
            BucketArgs(
                account=account,
                bucket=bucket_name,
                lifecycle=[retention],
                statements=[log_delivery_statement(account, bucket_name)],
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.bucket = bucket.bucket
        self.register_outputs({"bucket": self.bucket})
