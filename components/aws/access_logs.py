"""Access logs: which request came to the load balancers, from where, and what it was answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.account import Account
from components.aws.bucket import Bucket, BucketArgs, arn

DELIVERY = "logdelivery.elasticloadbalancing.amazonaws.com"
"""Who writes.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
"""


def written_by_load_balancers(account: Account, bucket: str) -> Mapping[str, object]:
    """The statement that lets load balancers of this account write.

    Elastic Load Balancing itself puts the account's number into the path, so that no other account's logs come in.
    """
    return {
        "Sid": "LoadBalancersWrite",
        "Effect": "Allow",
        "Principal": {"Service": DELIVERY},
        "Action": "s3:PutObject",
        "Resource": f"{arn(bucket)}/AWSLogs/{account.id}/*",
    }


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
        account = args.account
        # The names of all accounts' buckets are one list.
        bucket = f"{name}-access-logs-{account.id}-{account.region}"
        retention = aws.s3.BucketLifecycleConfigurationRuleArgs(
            id="retention",
            status="Enabled",
            filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
            expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=args.retention_days),
        )
        made = Bucket(
            name,
            BucketArgs(
                account=account,
                bucket=bucket,
                lifecycle=[retention],
                statements=[written_by_load_balancers(account, bucket)],
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.bucket = made.bucket
        self.register_outputs({"bucket": self.bucket})
