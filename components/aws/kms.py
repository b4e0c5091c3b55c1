"""KMS keys, one for each purpose, so that access to one kind of data gives none to another."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.account import Account

DELETION_WINDOW_DAYS = 30
"""Days in which the deletion of a key can be cancelled: the maximum, since its data is lost with it."""


def key_policy(account: Account, *statements: Mapping[str, object]) -> str:
    """Key policy as JSON: the default statement of AWS, which lets IAM policies grant access, and the given ones.

    Without the default statement a key can become unmanageable. In a key policy, `*` means the key itself.
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    default = {
        "Sid": "AccountDecidesByIam",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account.id}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [default, *statements]})


def log_encryption_statement(account: Account, platform: str) -> Mapping[str, object]:
    """Statement of the key policy that lets CloudWatch Logs use the key, for the platform's log groups only.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    return {
        "Sid": "LogGroupsOfThePlatform",
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{account.region}.amazonaws.com"},
        "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
        "Resource": "*",
        "Condition": {
            "ArnLike": {
                "kms:EncryptionContext:aws:logs:arn": account.arn("logs", f"log-group:/aws/*/{platform}/*"),
            }
        },
    }


@dataclass(frozen=True, kw_only=True)
class KmsKeysArgs:
    """Arguments of `KmsKeys`.

    Attributes:
        account: The AWS account.
    """

    account: Account


class KmsKeys(pulumi.ComponentResource):
    """Customer managed KMS keys, which AWS rotates each year.

    Attributes:
        secrets: ARN of the key that encrypts Kubernetes Secrets in etcd.
        logs: ARN of the key that encrypts the log groups `/aws/*/NAME/*`.
        images: ARN of the key that encrypts the ECR repositories.
    """

    secrets: pulumi.Output[str]
    logs: pulumi.Output[str]
    images: pulumi.Output[str]

    def __init__(self, name: str, args: KmsKeysArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Keys", name, {}, opts)
        self._account = args.account
        self.secrets = self._key(name, "secrets", "Secrets of the Kubernetes API, by EKS")
        self.logs = self._key(
            name, "logs", "Log groups of the control plane and the VPC", [log_encryption_statement(args.account, name)]
        )
        self.images = self._key(name, "images", "Container images in ECR")
        self.register_outputs({"secrets": self.secrets, "logs": self.logs, "images": self.images})

    def _key(
        self, platform: str, purpose: str, description: str, statements: Sequence[Mapping[str, object]] = ()
    ) -> pulumi.Output[str]:
        name = f"{platform}-{purpose}"
        key = aws.kms.Key(
            name,
            description=f"{platform}: {description}",
            policy=key_policy(self._account, *statements),
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            opts=pulumi.ResourceOptions(parent=self, protect=self._account.protect),
        )
        aws.kms.Alias(
            name,
            name=f"alias/{platform}/{purpose}",
            target_key_id=key.key_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return key.arn
