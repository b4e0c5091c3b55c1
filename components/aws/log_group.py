"""CloudWatch log groups with encryption and retention."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True, kw_only=True)
class LogGroupDefaults:
    """Encryption and retention that all log groups share.

    Attributes:
        key_arn: KMS key that encrypts the logs.
        retention_days: Days until a log entry is deleted.
        protect: Whether Pulumi refuses to delete a log group.
    """

    key_arn: pulumi.Input[str]
    retention_days: int
    protect: bool


@dataclass(frozen=True, kw_only=True)
class LogGroupArgs:
    """Arguments of `LogGroup`.

    Attributes:
        path: Its name in CloudWatch, such as `/aws/eks/NAME/cluster`.
        defaults: Encryption and retention.
    """

    path: str
    defaults: LogGroupDefaults


class LogGroup(pulumi.ComponentResource):
    """CloudWatch log group. Its writers must depend on it, or AWS creates the group without encryption and retention.

    Attributes:
        arn: Its ARN.
    """

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: LogGroupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:LogGroup", name, {}, opts)
        log_group = aws.cloudwatch.LogGroup(
            name,
            name=args.path,
            kms_key_id=args.defaults.key_arn,
            retention_in_days=args.defaults.retention_days,
            opts=pulumi.ResourceOptions(parent=self, protect=args.defaults.protect),
        )
        self.arn = log_group.arn
        self.register_outputs({"arn": self.arn})
