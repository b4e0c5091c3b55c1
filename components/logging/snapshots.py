"""S3 bucket for Elasticsearch's snapshots, and the IAM role of Elasticsearch's pods.

Elasticsearch creates and deletes snapshots by the policy of the bootstrap job. Lifecycle rules of the bucket delete
nothing that a snapshot needs. https://www.elastic.co/docs/deploy-manage/tools/snapshot-and-restore/s3-repository
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.aws.account import Account
from components.aws.bucket import Bucket, BucketArgs
from components.aws.policy import Statement
from components.cluster.irsa import AUDIENCE, IrsaRole, IrsaRoleArgs
from components.cluster.reference import ClusterReference
from contract.namespaces import LOGGING

ACCOUNT = "elasticsearch"
"""Service account of Elasticsearch's pods."""

NONCURRENT_DAYS = 7
"""How long S3 keeps objects that Elasticsearch deleted or overwrote, and incomplete uploads."""

FOLDER = "/usr/share/elasticsearch/config/repository-s3"
TOKEN = "aws-web-identity-token-file"  # noqa: S105 - a file's name
"""Elasticsearch reads the token from this directory only: a projected volume replaces the symbolic link of its
documentation. https://www.elastic.co/docs/deploy-manage/tools/snapshot-and-restore/s3-repository"""

TOKEN_SECONDS = 86400
"""How long a token is valid."""


def bucket_name(platform: str, account: Account) -> str:
    """The bucket's name."""
    return f"{platform}-log-snapshots-{account.id}-{account.region}"


def permissions(bucket_arn: str) -> list[Statement]:
    """IAM permissions on the bucket, as Elasticsearch documents them.

    https://www.elastic.co/docs/deploy-manage/tools/snapshot-and-restore/s3-repository#repository-s3-permissions
    """
    return [
        Statement(
            actions=[
                "s3:GetBucketLocation",
                "s3:ListBucket",
                "s3:ListBucketMultipartUploads",
                "s3:ListBucketVersions",
            ],
            resources=[bucket_arn],
        ),
        Statement(
            actions=[
                "s3:AbortMultipartUpload",
                "s3:DeleteObject",
                "s3:GetObject",
                "s3:ListMultipartUploadParts",
                "s3:PutObject",
            ],
            resources=[f"{bucket_arn}/*"],
        ),
    ]


def lifecycle() -> list[aws.s3.BucketLifecycleConfigurationRuleArgs]:
    """Lifecycle rules: incomplete uploads and noncurrent versions expire after `NONCURRENT_DAYS`."""
    return [
        aws.s3.BucketLifecycleConfigurationRuleArgs(
            id="what-elasticsearch-left",
            status="Enabled",
            filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
            abort_incomplete_multipart_upload=aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                days_after_initiation=NONCURRENT_DAYS
            ),
            noncurrent_version_expiration=aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                noncurrent_days=NONCURRENT_DAYS
            ),
            expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(expired_object_delete_marker=True),
        )
    ]


@dataclass(frozen=True, kw_only=True)
class SnapshotsArgs:
    """Arguments of `Snapshots`.

    Attributes:
        cluster: The cluster.
    """

    cluster: ClusterReference


class Snapshots(pulumi.ComponentResource):
    """The bucket, and the IAM role that may use it. Needs a provider for `aws`.

    Attributes:
        bucket: Name of the bucket, known before it is created.
        role_arn: ARN of the role, known once pods can assume it.
    """

    bucket: str
    role_arn: pulumi.Output[str]

    def __init__(self, name: str, args: SnapshotsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Snapshots", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        account, platform = args.cluster.account, args.cluster.name
        self.bucket = bucket_name(platform, account)
        Bucket(
            f"{platform}-log-snapshots",
            BucketArgs(account=account, bucket=self.bucket, lifecycle=lifecycle(), versioned=True),
            opts=child,
        )
        identity = IrsaRole(
            f"{platform}-elasticsearch",
            IrsaRoleArgs(
                cluster=args.cluster,
                namespace=LOGGING,
                service_account=ACCOUNT,
                statements=permissions(account.bucket_arn(self.bucket)),
            ),
            opts=child,
        )
        self.role_arn = identity.role_arn
        self.register_outputs({"bucket": self.bucket, "role_arn": self.role_arn})


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Additions to Elasticsearch's pods, by which they act as an IAM role.

    Attributes:
        pod: Fields of the pod spec.
        container: Fields of Elasticsearch's container.
    """

    pod: Mapping[str, Any]
    container: Mapping[str, Any]

    @classmethod
    def of(cls, role_arn: pulumi.Input[str], region: str) -> Identity:
        """The additions for a role: the service account's token as a projected volume, and environment variables."""
        variables = {
            "AWS_REGION": region,
            "AWS_ROLE_ARN": role_arn,
            "AWS_ROLE_SESSION_NAME": ACCOUNT,
            "AWS_WEB_IDENTITY_TOKEN_FILE": f"{FOLDER}/{TOKEN}",
        }
        token = {"audience": AUDIENCE, "expirationSeconds": TOKEN_SECONDS, "path": TOKEN}
        return cls(
            pod={
                "serviceAccountName": ACCOUNT,
                "volumes": [{"name": "aws-token", "projected": {"sources": [{"serviceAccountToken": token}]}}],
            },
            container={
                "env": [{"name": name, "value": value} for name, value in variables.items()],
                "volumeMounts": [{"name": "aws-token", "mountPath": FOLDER, "readOnly": True}],
            },
        )
