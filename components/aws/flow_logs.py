"""Where a VPC's flow logs go: a log group of CloudWatch, or an S3 bucket, which costs half as much to write.

https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from components.aws.account import Account
from components.aws.bucket import Bucket, BucketArgs
from components.aws.iam import Role, RoleArgs, Trust
from components.aws.log_group import LogGroup, LogGroupArgs, LogGroupDefaults
from components.aws.policy import Statement

LOG_DELIVERY = "delivery.logs.amazonaws.com"
"""Service principal that writes flow logs to buckets."""


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Destination of flow logs.

    Attributes:
        type: Its kind, as EC2 names it.
        arn: ARN of the log group or bucket.
        role: IAM role that writes; None for a bucket, whose policy admits the service.
    """

    type: Literal["cloud-watch-logs", "s3"]
    arn: pulumi.Input[str]
    role: Role | None = None


def log_group(
    name: str, path: str, account: Account, defaults: LogGroupDefaults, child: pulumi.ResourceOptions
) -> Destination:
    """Creates a log group and the role that writes to it.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    """
    group = LogGroup(name, LogGroupArgs(path=path, defaults=defaults), opts=child)
    role = Role(
        name,
        RoleArgs(
            account=account,
            trust=Trust(
                service="vpc-flow-logs.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": account.id},
                    "ArnLike": {"aws:SourceArn": account.arn("ec2", "vpc-flow-log/*")},
                },
            ),
            statements=[
                Statement(
                    actions=["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                    resources=[account.arn("logs", f"log-group:{path}"), account.arn("logs", f"log-group:{path}:*")],
                ),
                Statement(actions=["logs:DescribeLogGroups"], resources=[account.arn("logs", "log-group:*")]),
            ],
        ),
        opts=child,
    )
    return Destination(type="cloud-watch-logs", arn=group.arn, role=role)


def log_delivery_statements(account: Account, bucket: str) -> Sequence[Statement]:
    """Statements of the bucket policy that let the account's flow logs be written.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html
    """
    arn = account.bucket_arn(bucket)
    ours = {
        "StringEquals": {"aws:SourceAccount": account.id},
        "ArnLike": {"aws:SourceArn": account.arn("logs", "*")},
    }
    owned = {**ours, "StringEquals": {**ours["StringEquals"], "s3:x-amz-acl": "bucket-owner-full-control"}}
    principal = {"Service": LOG_DELIVERY}
    return [
        Statement(
            sid="AWSLogDeliveryWrite",
            principal=principal,
            actions="s3:PutObject",
            resources=f"{arn}/AWSLogs/{account.id}/*",
            conditions=owned,
        ),
        Statement(
            sid="AWSLogDeliveryAclCheck", principal=principal, actions="s3:GetBucketAcl", resources=arn, conditions=ours
        ),
    ]


def bucket(name: str, account: Account, retention_days: int, child: pulumi.ResourceOptions) -> Destination:
    """Creates a bucket that keeps each log for a number of days (1 or more)."""
    # Bucket names are global.
    bucket_name = f"{name}-{account.id}-{account.region}"
    retention = aws.s3.BucketLifecycleConfigurationRuleArgs(
        id="retention",
        status="Enabled",
        filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
        expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=retention_days),
    )
    made = Bucket(
        name,
        BucketArgs(
            account=account,
            bucket=bucket_name,
            lifecycle=[retention],
            statements=log_delivery_statements(account, bucket_name),
        ),
        opts=child,
    )
    return Destination(type="s3", arn=made.bucket.apply(account.bucket_arn))
