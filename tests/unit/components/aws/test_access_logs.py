"""The access log bucket: written by this account's load balancers only, TLS only, private, with expiration."""

from __future__ import annotations

import json
from typing import Any

import pytest

import config
from tests.unit.program import stack_config, stack_of
from tools.program.graph import Graph, Registration


def resource(graph: Graph, kind: str) -> Registration:
    resources = graph.of_type(f"aws:s3/{kind[0].lower()}{kind[1:]}:{kind}")
    (of_access_logs,) = (one for one in resources if "hello:platform:AccessLogs" in one.urn)
    return of_access_logs


def statements(graph: Graph) -> dict[str, dict[str, Any]]:
    policy: dict[str, Any] = json.loads(resource(graph, "BucketPolicy").inputs["policy"])
    return {statement["Sid"]: statement for statement in policy["Statement"]}


def test_only_load_balancers_of_this_account_may_write(graph: Graph) -> None:
    bucket = resource(graph, "Bucket").inputs["bucket"]
    allowed = [statement for statement in statements(graph).values() if statement["Effect"] == "Allow"]
    assert allowed == [
        {
            "Sid": "LoadBalancersWrite",
            "Effect": "Allow",
            "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::{bucket}/AWSLogs/123456789012/*",
        }
    ]


def test_requests_without_tls_are_denied(graph: Graph) -> None:
    bucket = resource(graph, "Bucket").inputs["bucket"]
    denied = statements(graph)["OnlyTls"]
    assert (denied["Effect"], denied["Principal"], denied["Action"]) == ("Deny", "*", "s3:*")
    assert denied["Resource"] == [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_public_access_is_blocked_before_load_balancers_may_write(graph: Graph) -> None:
    block = resource(graph, "BucketPublicAccessBlock")
    assert all(block.inputs[f"{key}"] is True for key in ("blockPublicAcls", "blockPublicPolicy"))
    assert all(block.inputs[f"{key}"] is True for key in ("ignorePublicAcls", "restrictPublicBuckets"))
    assert block.urn in graph.after_all(resource(graph, "BucketPolicy"))


def test_it_is_encrypted_with_sse_s3(graph: Graph) -> None:
    """Load balancers cannot write to a bucket that is encrypted with KMS."""
    (rule,) = resource(graph, "BucketServerSideEncryptionConfiguration").inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}


def test_access_logs_expire(graph: Graph) -> None:
    settings = config.load(stack_config(stack_of(graph)))
    (rule,) = resource(graph, "BucketLifecycleConfiguration").inputs["rules"]
    assert (rule["status"], rule["filter"]) == ("Enabled", {"prefix": ""})
    assert rule["expiration"] == {"days": settings.load_balancer.access_log_days}


def test_it_is_protected_or_deleted_with_its_logs(graph: Graph) -> None:
    settings = config.load(stack_config(stack_of(graph)))
    bucket = resource(graph, "Bucket")
    assert bucket.protect == settings.protect
    assert bucket.inputs["forceDestroy"] == (not settings.protect)


@pytest.mark.parametrize("kind", ["BucketPolicy", "BucketPublicAccessBlock", "BucketServerSideEncryptionConfiguration"])
def test_bucket_settings_depend_on_the_bucket(graph: Graph, kind: str) -> None:
    assert resource(graph, "Bucket").urn in resource(graph, kind).dependencies
