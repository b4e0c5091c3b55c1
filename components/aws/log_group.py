"""CloudWatch log groups: encrypted, and kept for a set time."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True, kw_only=True)
class LogGroupDefaults:
    """How logs are kept.

    Attributes:
        key_arn: KMS key that encrypts them.
        retention_days: How long each entry is kept.
        protect: Whether their group refuses to be deleted.
    """

    key_arn: pulumi.Input[str]
    retention_days: int
    protect: bool


@dataclass(frozen=True, kw_only=True)
class LogGroupArgs:
    """What a `LogGroup` is made from.

    Attributes:
        path: Its name in CloudWatch, such as `/aws/eks/NAME/cluster`.
        defaults: How its logs are kept.
    """

    path: str
    defaults: LogGroupDefaults


class LogGroup(pulumi.ComponentResource):
    """A log group of ours. Whoever writes to it comes after it: AWS would make one without key or end.

    Attributes:
        arn: Its ARN.
    """

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: LogGroupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:LogGroup", name, {}, opts)
        made = aws.cloudwatch.LogGroup(
            name,
            name=args.path,
            kms_key_id=args.defaults.key_arn,
            retention_in_days=args.defaults.retention_days,
            opts=pulumi.ResourceOptions(parent=self, protect=args.defaults.protect),
        )
        self.arn = made.arn
        self.register_outputs({"arn": self.arn})
