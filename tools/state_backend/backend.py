"""An S3 bucket for states and KMS keys for secrets; each run creates what is missing and corrects what differs.

Each stack has a key of its own, so that who previews one stack cannot decrypt the secrets of another, whose file is in
the same repository.

This is not a Pulumi program, since its own state would have no place.
https://www.pulumi.com/docs/iac/concepts/state-and-backends/
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]
from botocore.exceptions import ClientError  # pyright: ignore[reportMissingTypeStubs]

from config import partitions

TAGS = {"platform": "hello-platform", "purpose": "pulumi-state"}

KEPT_DAYS = 90
"""Days for which an older version of a state can be restored."""


ENGINE_VARIABLES = {
    "PULUMI_DIY_BACKEND_ZSTD": "true",
    "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
}
"""Environment variables of the engine where it updates stacks.

It writes the whole state before and after each step: compressed, that is a twelfth of the data. It reads both forms.
Its own backup at the beginning of each update is an older version of the object in a versioned bucket.
https://github.com/pulumi/pulumi/blob/v3.260.0/sdk/go/common/env/env.go
"""


class BackendError(Exception):
    """The backend cannot be created; the message says what to do."""


@dataclass(frozen=True)
class Backend:
    """The state backend.

    Attributes:
        bucket: The S3 bucket's name.
        key_arn: ARN of the KMS key of the bucket's objects.
        alias: That key's alias, without `alias/`.
        region: AWS region of all.
        stack_keys: ARN of the KMS key of each stack's secrets, by the stack's name.
    """

    bucket: str
    key_arn: str
    alias: str
    region: str
    stack_keys: Mapping[str, str]

    @property
    def url(self) -> str:
        """The URL for `pulumi login`."""
        return f"s3://{self.bucket}?region={self.region}"

    def secrets_provider(self, stack: str) -> str:
        """The value for `pulumi stack init --secrets-provider`, and for `pulumi stack change-secrets-provider`."""
        return f"awskms://alias/{_stack_alias(self.alias, stack)}?region={self.region}"


def _stack_alias(alias: str, stack: str) -> str:
    return f"{alias}-{stack}"


def make(bucket: str, *, region: str, alias: str, stacks: Sequence[str]) -> Backend:
    """Creates what is missing and corrects what differs.

    Args:
        bucket: Name of the S3 bucket, globally unique.
        region: AWS region of all.
        alias: Alias of the key of the bucket's objects, without `alias/`; a stack's key has this and the stack's name.
        stacks: Names of the stacks.

    Raises:
        BackendError: The bucket belongs to another account or is in another region, or a key is disabled.
        botocore.exceptions.ClientError: AWS refuses.
    """
    kms = cast("Any", boto3).client("kms", region_name=region)
    key_arn = _key(kms, alias, "States of hello-platform's stacks")
    stack_keys = {
        stack: _key(kms, _stack_alias(alias, stack), f"Secrets of hello-platform's stack {stack}") for stack in stacks
    }
    _bucket(cast("Any", boto3).client("s3", region_name=region), bucket, region, key_arn)
    return Backend(bucket, key_arn, alias, region, stack_keys)


def _key(kms: Any, alias: str, description: str) -> str:
    """The ARN of the key with an alias; created if missing; rotation enabled."""
    try:
        key = kms.describe_key(KeyId=f"alias/{alias}")["KeyMetadata"]
    except ClientError as error:
        if _code(error) != "NotFoundException":
            raise
        tags = [{"TagKey": name, "TagValue": value} for name, value in TAGS.items()]
        key = kms.create_key(Description=description, Tags=tags)["KeyMetadata"]
        kms.create_alias(AliasName=f"alias/{alias}", TargetKeyId=key["KeyId"])
    if key["KeyState"] != "Enabled":
        raise BackendError(
            f"the KMS key of alias/{alias} is {key['KeyState']}: enable it, or cancel its deletion, and run "
            "this again: without it the stacks' secrets cannot be read"
        )
    kms.enable_key_rotation(KeyId=key["KeyId"])
    return str(key["Arn"])


def _bucket(s3: Any, name: str, region: str, key_arn: str) -> None:
    """Makes the bucket versioned, encrypted with the key, private, and accessible by TLS only."""
    _own_bucket(s3, name, region)
    s3.put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration=dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
        ),
    )
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    encryption = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_arn}
    rules: list[dict[str, Any]] = [{"ApplyServerSideEncryptionByDefault": encryption, "BucketKeyEnabled": True}]
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
    expiry: dict[str, Any] = {
        "ID": "old versions",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "NoncurrentVersionExpiration": {"NoncurrentDays": KEPT_DAYS},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [expiry]})
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps(_tls_only(name, region)))
    s3.put_bucket_tagging(
        Bucket=name, Tagging={"TagSet": [{"Key": key, "Value": value} for key, value in TAGS.items()]}
    )


def _own_bucket(s3: Any, name: str, region: str) -> None:
    """Creates the bucket if it is missing.

    Raises:
        BackendError: It belongs to another account or is in another region.
    """
    # S3 accepts us-east-1 only as the default.
    location = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    try:
        s3.create_bucket(Bucket=name, **location)
    except ClientError as error:
        if _code(error) == "BucketAlreadyExists":
            raise BackendError(f"the S3 bucket {name} belongs to another account: choose another name") from error
        if _code(error) != "BucketAlreadyOwnedByYou":
            raise
    actual_region = s3.get_bucket_location(Bucket=name)["LocationConstraint"] or "us-east-1"
    if actual_region != region:
        raise BackendError(f"the S3 bucket {name} is in {actual_region}: use --region {actual_region}")


def _tls_only(bucket: str, region: str) -> dict[str, Any]:
    """A bucket policy that denies requests without TLS.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
    """
    arn = partitions.arn(partitions.partition_of(region), "s3", bucket)
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }


def _code(error: Exception) -> str:
    response: Any = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", ""))
