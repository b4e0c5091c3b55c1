"""Every bucket: closed to the public, encrypted, and reached by TLS only."""

from __future__ import annotations

import json
from typing import Any

from components.aws.bucket import bucket_policy
from tests.unit.graph import Graph, Registration, every

BUCKET = "aws:s3/bucket:Bucket"


def of(graph: Graph, kind: str) -> dict[str, Registration]:
    """What is said of each bucket by a resource of a kind, by the bucket's name."""
    return {one.inputs["bucket"]: one for one in every(graph.of_type(f"aws:s3/{kind[0].lower()}{kind[1:]}:{kind}"))}


def test_every_bucket_is_closed_encrypted_and_ends_what_is_in_it(known: Graph) -> None:
    buckets = {one.inputs["bucket"] for one in every(known.of_type(BUCKET))}
    closed = of(known, "BucketPublicAccessBlock")
    encrypted = of(known, "BucketServerSideEncryptionConfiguration")
    assert buckets == set(closed) == set(encrypted) == set(of(known, "BucketPolicy"))
    assert buckets == set(of(known, "BucketLifecycleConfiguration"))
    for bucket in buckets:
        shut = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
        assert all(closed[bucket].inputs[one] is True for one in shut), bucket
        (rule,) = encrypted[bucket].inputs["rules"]
        assert rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "AES256"


def test_nobody_reaches_a_bucket_without_tls(known: Graph) -> None:
    for bucket, policy in of(known, "BucketPolicy").items():
        denied = [one for one in json.loads(policy.inputs["policy"])["Statement"] if one["Effect"] == "Deny"]
        conditions = [one["Condition"] for one in denied]
        assert {"Bool": {"aws:SecureTransport": "false"}} in conditions
        assert {"NumericLessThan": {"s3:TlsVersion": "1.2"}} in conditions
        for one in denied:
            assert one["Principal"] == "*"
            assert one["Action"] == "s3:*"
            assert one["Resource"] == [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]


def test_a_bucket_goes_with_what_is_in_it_only_where_the_stack_is_not_protected(known: Graph) -> None:
    for one in every(known.of_type(BUCKET)):
        assert one.protect is not one.inputs["forceDestroy"]


def test_a_bucket_may_have_more_statements() -> None:
    more: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": "x.amazonaws.com"}, "Action": "s3:PutObject"}
    statements = json.loads(bucket_policy("b", [more]))["Statement"]
    assert statements[0] == more
    assert len(statements) == 3
