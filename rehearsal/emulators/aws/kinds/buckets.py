"""S3 buckets and their configuration.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

from rehearsal.emulators.aws.kind import Resource


def create(bucket: Resource) -> None:
    """Creates a bucket; S3 takes no location constraint in us-east-1."""
    place = {"CreateBucketConfiguration": {"LocationConstraint": bucket.region}}
    with bucket.client("s3") as s3:
        s3.create_bucket(Bucket=bucket.inputs["bucket"], **({} if bucket.region == "us-east-1" else place))


def empty(bucket: Resource) -> None:
    """Empties a bucket with `forceDestroy`, since S3 deletes empty buckets only."""
    if bucket.inputs.get("forceDestroy"):
        with bucket.client("s3") as s3:
            for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket.id):
                for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                    s3.delete_object(Bucket=bucket.id, Key=version["Key"], VersionId=version["VersionId"])
