"""Every bucket: private, encrypted, TLS only."""

from __future__ import annotations

import json

from tools.program.graph import Graph, Registration, every

BUCKET = "aws:s3/bucket:Bucket"


def by_bucket(graph: Graph, kind: str) -> dict[str, Registration]:
    """Resources of a kind, by their bucket's name."""
    return {one.inputs["bucket"]: one for one in every(graph.of_type(f"aws:s3/{kind[0].lower()}{kind[1:]}:{kind}"))}


def test_every_bucket_is_private_encrypted_and_has_lifecycle_rules(known: Graph) -> None:
    buckets = {one.inputs["bucket"] for one in every(known.of_type(BUCKET))}
    access_blocks = by_bucket(known, "BucketPublicAccessBlock")
    encryptions = by_bucket(known, "BucketServerSideEncryptionConfiguration")
    assert buckets == set(access_blocks) == set(encryptions) == set(by_bucket(known, "BucketPolicy"))
    assert buckets == set(by_bucket(known, "BucketLifecycleConfiguration"))
    for bucket in buckets:
        switches = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
        assert all(access_blocks[bucket].inputs[switch] is True for switch in switches), bucket
        (rule,) = encryptions[bucket].inputs["rules"]
        assert rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "AES256"


def test_every_bucket_denies_requests_without_tls(known: Graph) -> None:
    for bucket, policy in by_bucket(known, "BucketPolicy").items():
        statements = json.loads(policy.inputs["policy"])["Statement"]
        denials = [statement for statement in statements if statement["Effect"] == "Deny"]
        conditions = [denial["Condition"] for denial in denials]
        assert {"Bool": {"aws:SecureTransport": "false"}} in conditions
        assert {"NumericLessThan": {"s3:TlsVersion": "1.2"}} in conditions
        for denial in denials:
            assert denial["Principal"] == "*"
            assert denial["Action"] == "s3:*"
            assert denial["Resource"] == [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]


def test_objects_are_deleted_with_the_bucket_only_in_an_unprotected_stack(known: Graph) -> None:
    for one in every(known.of_type(BUCKET)):
        assert one.protect is not one.inputs["forceDestroy"]
