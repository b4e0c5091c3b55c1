"""KMS keys, one for each purpose, so that access to one kind of data gives none to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.aws.account import Account
from components.aws.policy import Statement, policy_document
from config.partitions import dns_suffix

DELETION_WINDOW_DAYS = 30
"""Days in which the deletion of a key can be cancelled: the maximum, since its data is lost with it."""

SIGNING = "signing"
"""Purpose of the key that signs images."""


def signing_statement(account: Account, alias_arn: str, action: str) -> Statement:
    """IAM statement that allows an action with the key that signs images, by its alias only.

    https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html

    Args:
        account: The AWS account.
        alias_arn: ARN of the key's alias.
        action: `kms:Sign` or `kms:Verify`.
    """
    alias = alias_arn[alias_arn.index("alias/") :]
    return Statement(
        actions=[action],
        resources=[account.arn("kms", "key/*")],
        conditions={"StringEquals": {"kms:RequestAlias": alias}},
    )


def account_statement(account: Account) -> Statement:
    """Default statement of AWS' key policies: IAM policies of the account grant access.

    Without it a key can become unmanageable. In a key policy, `*` means the key itself.
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    return Statement(
        sid="AccountDecidesByIam",
        principal={"AWS": account.iam_arn("root")},
        actions="kms:*",
        resources="*",
    )


def log_encryption_statement(account: Account, platform: str) -> Statement:
    """Statement of the key policy that lets CloudWatch Logs use the key, for the platform's log groups only.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    log_groups = account.arn("logs", f"log-group:/aws/*/{platform}/*")
    return Statement(
        sid="LogGroupsOfThePlatform",
        principal={"Service": f"logs.{account.region}.{dns_suffix(account.region)}"},
        actions=["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
        resources="*",
        conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log_groups}},
    )


@dataclass(frozen=True, kw_only=True)
class KmsKeysArgs:
    """Arguments of `KmsKeys`.

    Attributes:
        account: The AWS account.
        signs_images: Whether there is a key that signs images.
    """

    account: Account
    signs_images: bool = False


class KmsKeys(pulumi.ComponentResource):
    """Customer managed KMS keys. AWS rotates each year those that encrypt.

    Attributes:
        secrets: ARN of the key that encrypts Kubernetes Secrets in etcd.
        logs: ARN of the key that encrypts the log groups `/aws/*/NAME/*`.
        images: ARN of the key that encrypts the ECR repositories.
        signing: ARN of the alias of the key that signs images; None if none does.
    """

    secrets: pulumi.Output[str]
    logs: pulumi.Output[str]
    images: pulumi.Output[str]
    signing: str | None

    def __init__(self, name: str, args: KmsKeysArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Keys", name, {}, opts)
        self._account = args.account
        self.secrets = self._key(name, "secrets", "Secrets of the Kubernetes API, by EKS")
        self.logs = self._key(
            name, "logs", "Log groups of the control plane and the VPC", [log_encryption_statement(args.account, name)]
        )
        self.images = self._key(name, "images", "Container images in ECR")
        self.signing = self._signing_key(name) if args.signs_images else None
        signing = {SIGNING: self.signing} if self.signing else {}
        self.register_outputs({"secrets": self.secrets, "logs": self.logs, "images": self.images, **signing})

    def _key(
        self, platform: str, purpose: str, description: str, statements: Sequence[Statement] = ()
    ) -> pulumi.Output[str]:
        name = f"{platform}-{purpose}"
        key = aws.kms.Key(
            name,
            description=f"{platform}: {description}",
            policy=policy_document([account_statement(self._account), *statements]),
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            opts=pulumi.ResourceOptions(parent=self, protect=self._account.protect),
        )
        self._alias(platform, purpose, key)
        return key.arn

    def _signing_key(self, platform: str) -> str:
        """A key of the kind that cosign makes; KMS rotates no such key. It is used by its alias.

        https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
        """
        key = aws.kms.Key(
            f"{platform}-{SIGNING}",
            description=f"{platform}: Signatures of container images",
            policy=policy_document([account_statement(self._account)]),
            customer_master_key_spec="ECC_NIST_P256",
            key_usage="SIGN_VERIFY",
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            opts=pulumi.ResourceOptions(parent=self, protect=self._account.protect),
        )
        alias = self._alias(platform, SIGNING, key)
        return self._account.arn("kms", alias)

    def _alias(self, platform: str, purpose: str, key: aws.kms.Key) -> str:
        alias = f"alias/{platform}/{purpose}"
        aws.kms.Alias(
            f"{platform}-{purpose}",
            name=alias,
            target_key_id=key.key_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return alias
