"""S3 buckets and their configuration.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

from rehearsal.emulators.aws import rules
from rehearsal.emulators.aws.api import Api, Call, answering
from rehearsal.emulators.aws.kind import AutoName, Kind, Making, Reference, taken, text
from rehearsal.emulators.aws.properties import Properties

BUCKET = "aws:s3/bucket:Bucket"

IN_BUCKET = (Reference("bucket", BUCKET, follows=True),)


def _place(making: Making) -> Properties:
    elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": making.region}}
    return {} if making.region == "us-east-1" else elsewhere


def _tags(making: Making) -> None:
    tags: dict[str, str] = making.inputs.get("tagsAll") or {}
    with answering(making.layout, "s3", making.region) as s3:
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        s3.put_bucket_tagging(Bucket=making.id, Tagging={"TagSet": pairs})


def _emptied(making: Making) -> None:
    """Empties a bucket with `forceDestroy`, since S3 deletes empty buckets only."""
    if making.inputs.get("forceDestroy"):
        with answering(making.layout, "s3", making.region) as s3:
            for page in s3.get_paginator("list_object_versions").paginate(Bucket=making.id):
                for one in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                    s3.delete_object(Bucket=making.id, Key=one["Key"], VersionId=one["VersionId"])


def _said_of_bucket(put: str, delete: str | None, into: str = "") -> Api:
    call = Call(put, into=into)
    return Api("s3", call, puts=(call,), deletes=(Call(delete),) if delete else (), key="Bucket")


KINDS = (
    Kind(
        type=BUCKET,
        make_id=text("{bucket}"),
        api=Api(
            "s3",
            Call("create_bucket", given=_place),
            puts=(_tags,),
            deletes=(_emptied, Call("delete_bucket")),
            key="Bucket",
        ),
        arn="arn:aws:s3:::{bucket}",
        name=AutoName(property="bucket", longest=63, lower=True),
        rules={
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
            "bucket": rules.pattern(
                r"[a-z0-9](?!.*\.\.)[a-z0-9.-]{1,61}[a-z0-9]",
                "InvalidBucketName",
                "The specified bucket is not valid: {value}",
            ),
        },
        # S3 refuses this in all regions but us-east-1, where the provider refuses it.
        refusals=(taken(BUCKET, "bucket", "BucketAlreadyOwnedByYou", "You already own the bucket {bucket}."),),
        replaces=frozenset({"bucket", "bucketPrefix", "objectLockEnabled"}),
    ),
    Kind(
        type="aws:s3/bucketPolicy:BucketPolicy",
        make_id=text("{bucket}"),
        api=_said_of_bucket("put_bucket_policy", "delete_bucket_policy"),
        rules={"policy": rules.json_text},
        references=IN_BUCKET,
        replaces=frozenset({"bucket"}),
        tagged=False,
    ),
    Kind(
        type="aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        make_id=text("{bucket}"),
        api=_said_of_bucket("put_public_access_block", "delete_public_access_block", "PublicAccessBlockConfiguration"),
        references=IN_BUCKET,
        replaces=frozenset({"bucket"}),
        tagged=False,
    ),
    Kind(
        type="aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        make_id=text("{bucket}"),
        api=_said_of_bucket("put_bucket_encryption", "delete_bucket_encryption", "ServerSideEncryptionConfiguration"),
        rules={
            "rules.applyServerSideEncryptionByDefault.sseAlgorithm": rules.one_of("AES256", "aws:kms", "aws:kms:dsse")
        },
        references=IN_BUCKET,
        replaces=frozenset({"bucket", "expectedBucketOwner"}),
        tagged=False,
    ),
    Kind(
        type="aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        make_id=text("{bucket}"),
        api=_said_of_bucket("put_bucket_lifecycle_configuration", "delete_bucket_lifecycle", "LifecycleConfiguration"),
        rules={"rules.status": rules.one_of("Enabled", "Disabled")},
        references=IN_BUCKET,
        replaces=frozenset({"bucket", "expectedBucketOwner"}),
        tagged=False,
    ),
    Kind(
        type="aws:s3/bucketVersioning:BucketVersioning",
        make_id=text("{bucket}"),
        api=_said_of_bucket("put_bucket_versioning", None),
        rules={"versioningConfiguration.status": rules.one_of("Enabled", "Suspended", "Disabled")},
        references=IN_BUCKET,
        replaces=frozenset({"bucket", "expectedBucketOwner"}),
        tagged=False,
    ),
)
