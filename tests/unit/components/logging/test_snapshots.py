"""Snapshots of the logs: Elasticsearch's permissions and credentials, and the bucket's lifecycle rules."""

from __future__ import annotations

import json
from typing import Any

from components.logging.snapshots import FOLDER, TOKEN
from config import load
from tests.unit.components.logging.test_logs import of_kind, pods
from tests.unit.program import stack_config, stack_of
from tools.program.graph import Graph, every, of_logs

OWNER = "hello:platform:Snapshots"
"""The component that has Elasticsearch's role."""


def bucket_of(graph: Graph) -> str:
    (bucket,) = (one for one in graph.of_type("aws:s3/bucket:Bucket") if of_logs(one))
    return str(bucket.inputs["bucket"])


def container(graph: Graph) -> dict[str, Any]:
    (elasticsearch,) = pods(of_kind(graph, "Elasticsearch"))["containers"]
    return elasticsearch


def test_elasticsearch_reads_and_writes_its_bucket_and_nothing_else(known: Graph) -> None:
    arn = f"arn:aws:s3:::{bucket_of(known)}"
    (policy,) = (one for one in known.of_type("aws:iam/rolePolicy:RolePolicy") if OWNER in one.urn)
    allowed = {one["Resource"][0]: set(one["Action"]) for one in json.loads(policy.inputs["policy"])["Statement"]}
    assert set(allowed) == {arn, f"{arn}/*"}
    assert {"s3:PutObject", "s3:GetObject", "s3:DeleteObject"} <= allowed[f"{arn}/*"]
    assert not {"s3:DeleteObjectVersion", "s3:PutBucketPolicy"} & (allowed[arn] | allowed[f"{arn}/*"])


def test_elasticsearch_acts_as_its_role_by_a_token_of_its_own_service_account(known: Graph) -> None:
    spec = pods(of_kind(known, "Elasticsearch"))
    assert spec["serviceAccountName"] == "elasticsearch"
    assert spec["automountServiceAccountToken"] is False
    (volume,) = spec["volumes"]
    (source,) = volume["projected"]["sources"]
    assert source["serviceAccountToken"] == {"audience": "sts.amazonaws.com", "expirationSeconds": 86400, "path": TOKEN}
    (mount,) = container(known)["volumeMounts"]
    assert mount == {"name": volume["name"], "mountPath": FOLDER, "readOnly": True}
    variables = {one["name"]: one["value"] for one in container(known)["env"]}
    assert variables["AWS_WEB_IDENTITY_TOKEN_FILE"] == f"{FOLDER}/{TOKEN}"
    (role,) = (one for one in known.of_type("aws:iam/role:Role") if OWNER in one.urn)
    assert variables["AWS_ROLE_ARN"].endswith(f":role/{role.inputs['name']}")
    (account,) = (one for one in known.of_kind("ServiceAccount") if one.metadata["name"] == "elasticsearch")
    assert account.metadata["namespace"] == "logging"
    assert account.inputs["automountServiceAccountToken"] is False


def test_what_elasticsearch_deleted_can_be_had_back_for_some_days_and_nothing_else_is_deleted(known: Graph) -> None:
    (versions,) = (one for one in known.of_type("aws:s3/bucketVersioning:BucketVersioning") if of_logs(one))
    assert versions.inputs["versioningConfiguration"] == {"status": "Enabled"}
    (lifecycle,) = (
        one for one in known.of_type("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration") if of_logs(one)
    )
    (rule,) = lifecycle.inputs["rules"]
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 7}
    assert rule["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}
    # No expiration of current objects.
    assert rule["expiration"] == {"expiredObjectDeleteMarker": True}


def test_the_setup_knows_the_bucket_and_how_long_snapshots_are_kept(known: Graph) -> None:
    parameters = [
        json.loads(one.inputs["data"]["parameters.json"])["snapshots"]
        for one in known.of_kind("ConfigMap")
        if "parameters.json" in one.inputs.get("data", {})
    ]
    days = load(stack_config(stack_of(known))).logs.snapshot_days
    assert every(parameters) == [{"bucket": bucket_of(known), "days": days}]
