"""S3 buckets and their configuration.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

from rehearsal.emulators.aws.api import Api, Call, tag_list
from rehearsal.emulators.aws.kind import AutoName, Kind, Resource, text


def _create(bucket: Resource) -> None:
    place = {"CreateBucketConfiguration": {"LocationConstraint": bucket.region}}
    with bucket.client("s3") as s3:
        s3.create_bucket(Bucket=bucket.inputs["bucket"], **({} if bucket.region == "us-east-1" else place))


def _put_tags(bucket: Resource) -> None:
    with bucket.client("s3") as s3:
        s3.put_bucket_tagging(Bucket=bucket.id, Tagging={"TagSet": tag_list(bucket.inputs.get("tagsAll") or {})})


def _empty(bucket: Resource) -> None:
    """Empties a bucket with `forceDestroy`, since S3 deletes empty buckets only."""
    if bucket.inputs.get("forceDestroy"):
        with bucket.client("s3") as s3:
            for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket.id):
                for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                    s3.delete_object(Bucket=bucket.id, Key=version["Key"], VersionId=version["VersionId"])


def _configuration(type_token: str, put: str, delete: str | None, *, into: str = "") -> Kind:
    """A type that is one part of a bucket's configuration: set by one operation, reset by another."""
    call = Call(put, into=into)
    return Kind(
        type=type_token,
        make_id=text("{bucket}"),
        api=Api("s3", call, update=(call,), delete=(Call(delete),) if delete else (), key="Bucket"),
        tagged=False,
    )


KINDS = (
    Kind(
        type="aws:s3/bucket:Bucket",
        make_id=text("{bucket}"),
        api=Api("s3", _create, configure=(_put_tags,), delete=(_empty, Call("delete_bucket")), key="Bucket"),
        name=AutoName(property="bucket", longest=63, lower=True),
        attributes={"arn": text("arn:aws:s3:::{bucket}")},
    ),
    _configuration("aws:s3/bucketPolicy:BucketPolicy", "put_bucket_policy", "delete_bucket_policy"),
    _configuration(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "put_public_access_block",
        "delete_public_access_block",
        into="PublicAccessBlockConfiguration",
    ),
    _configuration(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "put_bucket_encryption",
        "delete_bucket_encryption",
        into="ServerSideEncryptionConfiguration",
    ),
    _configuration(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "put_bucket_lifecycle_configuration",
        "delete_bucket_lifecycle",
        into="LifecycleConfiguration",
    ),
    _configuration("aws:s3/bucketVersioning:BucketVersioning", "put_bucket_versioning", None),
)
