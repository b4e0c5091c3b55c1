"""Access logs: written by load balancers of this account only, by TLS, closed to the world, and not for ever."""

from __future__ import annotations

import json
from typing import Any

import pytest

import config
from tests.unit.graph import Graph, Registration
from tests.unit.program import stack_config, stack_of


def one(graph: Graph, kind: str) -> Registration:
    buckets = graph.of_type(f"aws:s3/{kind[0].lower()}{kind[1:]}:{kind}")
    (found,) = (bucket for bucket in buckets if "hello:platform:AccessLogs" in bucket.urn)
    return found


def statements(graph: Graph) -> dict[str, dict[str, Any]]:
    policy: dict[str, Any] = json.loads(one(graph, "BucketPolicy").inputs["policy"])
    return {statement["Sid"]: statement for statement in policy["Statement"]}


def test_load_balancers_of_this_account_write_and_nobody_else_does_anything(graph: Graph) -> None:
    bucket = one(graph, "Bucket").inputs["bucket"]
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


def test_who_comes_without_tls_is_refused(graph: Graph) -> None:
    bucket = one(graph, "Bucket").inputs["bucket"]
    denied = statements(graph)["OnlyTls"]
    assert (denied["Effect"], denied["Principal"], denied["Action"]) == ("Deny", "*", "s3:*")
    assert denied["Resource"] == [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_it_is_closed_to_the_world_before_it_is_opened_to_load_balancers(graph: Graph) -> None:
    block = one(graph, "BucketPublicAccessBlock")
    assert all(block.inputs[f"{key}"] is True for key in ("blockPublicAcls", "blockPublicPolicy"))
    assert all(block.inputs[f"{key}"] is True for key in ("ignorePublicAcls", "restrictPublicBuckets"))
    assert block.urn in graph.after_all(one(graph, "BucketPolicy"))


def test_it_is_encrypted_as_load_balancers_can_write(graph: Graph) -> None:
    """With a key of KMS nothing would ever come in."""
    (rule,) = one(graph, "BucketServerSideEncryptionConfiguration").inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}


def test_each_log_ends(graph: Graph) -> None:
    settings = config.load(stack_config(stack_of(graph)))
    (rule,) = one(graph, "BucketLifecycleConfiguration").inputs["rules"]
    assert (rule["status"], rule["filter"]) == ("Enabled", {"prefix": ""})
    assert rule["expiration"] == {"days": settings.load_balancer.access_log_days}


def test_it_refuses_to_be_deleted_where_the_stack_is_protected_and_else_takes_its_logs_along(graph: Graph) -> None:
    settings = config.load(stack_config(stack_of(graph)))
    bucket = one(graph, "Bucket")
    assert bucket.protect == settings.protect
    assert bucket.inputs["forceDestroy"] == (not settings.protect)


@pytest.mark.parametrize("kind", ["BucketPolicy", "BucketPublicAccessBlock", "BucketServerSideEncryptionConfiguration"])
def test_all_is_said_of_the_one_bucket(graph: Graph, kind: str) -> None:
    assert one(graph, "Bucket").urn in one(graph, kind).dependencies
