"""KMS keys, one a purpose: who may decrypt one thing may not decrypt another."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.account import Account

DELETION_WINDOW_DAYS = 30
"""How long a deleted key can still be had back: AWS's longest. What it encrypted is lost with it."""


def key_policy(account: Account, *statements: Mapping[str, object]) -> str:
    """A key's policy: the account's IAM policies decide who uses it, as in AWS's own default; and the statements.

    Without the first statement a key can become one that nobody administers. `*` is the key itself here.
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    by_iam = {
        "Sid": "AccountDecidesByIam",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account.id}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [by_iam, *statements]})


def logs_may_encrypt(account: Account, platform: str) -> Mapping[str, object]:
    """CloudWatch Logs uses the key, for the platform's own log groups only.

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
    """What `KmsKeys` are made from.

    Attributes:
        account: The AWS account.
    """

    account: Account


class KmsKeys(pulumi.ComponentResource):
    """Customer keys that AWS rotates each year.

    Attributes:
        secrets: ARN of the key around the Secrets in the cluster's etcd.
        logs: ARN of the key of the log groups `/aws/*/NAME/*`.
        images: ARN of the key of the ECR repositories.
    """

    secrets: pulumi.Output[str]
    logs: pulumi.Output[str]
    images: pulumi.Output[str]

    def __init__(self, name: str, args: KmsKeysArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Keys", name, {}, opts)
        self._account = args.account
        self.secrets = self._key(name, "secrets", "Secrets of the Kubernetes API, by EKS")
        self.logs = self._key(
            name, "logs", "Log groups of the control plane and the VPC", [logs_may_encrypt(args.account, name)]
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
