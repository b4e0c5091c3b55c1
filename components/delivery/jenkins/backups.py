"""Nightly snapshots of Jenkins' home, by Amazon Data Lifecycle Manager, which selects the EBS volume by its tag.

AWS Backup would need a vault, a plan, a selection and a role for the same.
https://docs.aws.amazon.com/ebs/latest/userguide/snapshot-lifecycle.html
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.account import Account
from components.aws.iam import Role, RoleArgs, Trust
from components.aws.policy import Statement
from components.cluster.addons import volume_key_statements
from components.cluster.storage import CLAIM_TAG, claim
from config.partitions import arn

RETAINED = 14
"""Number of snapshots that are kept."""

TIME = "18:00"
"""UTC; at night in ap-northeast-2."""


def permissions(account: Account, volume_key_arn: str | None) -> list[Statement]:
    """Permissions of Data Lifecycle Manager: create snapshots, with the volume's key, and delete its own.

    https://docs.aws.amazon.com/ebs/latest/userguide/service-role.html
    https://docs.aws.amazon.com/ebs/latest/userguide/dlm-prerequisites.html
    """
    snapshots = arn(account.partition, "ec2", "snapshot/*", region=account.region)
    return [
        Statement(actions=["ec2:DescribeInstances", "ec2:DescribeSnapshots", "ec2:DescribeVolumes"], resources=["*"]),
        Statement(actions=["ec2:CreateSnapshot"], resources=[account.arn("ec2", "volume/*"), snapshots]),
        Statement(actions=["ec2:CreateTags"], resources=[snapshots]),
        Statement(
            actions=["ec2:DeleteSnapshot"],
            resources=[snapshots],
            conditions={"Null": {"aws:ResourceTag/aws:dlm:lifecycle-policy-id": "false"}},
        ),
        *(volume_key_statements(account, volume_key_arn) if volume_key_arn else ()),
    ]


@dataclass(frozen=True, kw_only=True)
class BackupsArgs:
    """Arguments of `Backups`.

    Attributes:
        account: The AWS account.
        platform: The platform's name.
        namespace: Namespace of the PersistentVolumeClaim.
        claim: Name of the PersistentVolumeClaim.
        volume_key_arn: Customer managed key that encrypts the volume; None for the account's default key.
    """

    account: Account
    platform: str
    namespace: str
    claim: str
    volume_key_arn: str | None


class Backups(pulumi.ComponentResource):
    """A nightly snapshot of the volume of a PersistentVolumeClaim, of which the last `RETAINED` are kept."""

    def __init__(self, name: str, args: BackupsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Backups", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = Role(
            name,
            RoleArgs(
                account=args.account,
                trust=Trust(
                    service="dlm.amazonaws.com",
                    conditions={"StringEquals": {"aws:SourceAccount": args.account.id}},
                ),
                statements=permissions(args.account, args.volume_key_arn),
            ),
            opts=child,
        )
        schedule = aws.dlm.LifecyclePolicyPolicyDetailsScheduleArgs(
            name="nightly",
            create_rule=aws.dlm.LifecyclePolicyPolicyDetailsScheduleCreateRuleArgs(
                interval=24, interval_unit="HOURS", times=TIME
            ),
            retain_rule=aws.dlm.LifecyclePolicyPolicyDetailsScheduleRetainRuleArgs(count=RETAINED),
            copy_tags=True,
        )
        aws.dlm.LifecyclePolicy(
            name,
            description=f"{name} every night",
            execution_role_arn=role.arn,
            state="ENABLED",
            policy_details=aws.dlm.LifecyclePolicyPolicyDetailsArgs(
                resource_types=["VOLUME"],
                target_tags={CLAIM_TAG: claim(args.platform, args.namespace, args.claim)},
                schedules=[schedule],
            ),
            opts=child,
        )
        self.register_outputs({})
