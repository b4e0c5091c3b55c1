"""KMS keys: one for each purpose, rotated, used by all resources with data."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

from tools.program.graph import Graph, every

KEY = "aws:kms/key:Key"
ALIAS = "aws:kms/alias:Alias"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
PURPOSES = ("images", "logs", "secrets")


def statements(graph: Graph, purpose: str) -> list[dict[str, Any]]:
    (key,) = (one for one in graph.of_type(KEY) if one.name.endswith(f"-{purpose}"))
    return json.loads(key.inputs["policy"])["Statement"]


def test_each_purpose_has_a_key_with_rotation_and_a_deletion_window(graph: Graph) -> None:
    keys = graph.of_type(KEY)
    assert sorted(one.name.rpartition("-")[2] for one in keys) == list(PURPOSES)
    for one in keys:
        assert one.inputs["enableKeyRotation"] is True
        assert one.inputs["deletionWindowInDays"] == 30


def test_each_key_has_an_alias_with_its_purpose(known: Graph) -> None:
    stack = known.of_type(KEY)[0].urn.split(":")[2]
    assert {one.inputs["name"] for one in known.of_type(ALIAS)} == {f"alias/hello-{stack}/{one}" for one in PURPOSES}
    keys = {one.name: one.urn for one in known.of_type(KEY)}
    for one in known.of_type(ALIAS):
        assert one.dependencies & set(keys.values()) == {keys[one.name]}


def test_iam_policies_of_the_account_grant_access_to_keys(graph: Graph) -> None:
    for purpose in PURPOSES:
        first, *others = statements(graph, purpose)
        assert first["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
        assert all("AWS" not in one["Principal"] and one["Principal"] != "*" for one in others)
        assert len(others) == (purpose == "logs")


def test_cloudwatch_uses_the_key_of_logs_for_the_platforms_log_groups_only(graph: Graph) -> None:
    _, logs = statements(graph, "logs")
    assert logs["Principal"] == {"Service": "logs.ap-northeast-2.amazonaws.com"}
    allowed = logs["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    for group in graph.of_type(LOG_GROUP):
        assert fnmatchcase(f"arn:aws:logs:ap-northeast-2:123456789012:log-group:{group.inputs['name']}", allowed)
    assert not fnmatchcase("arn:aws:logs:ap-northeast-2:123456789012:log-group:/aws/eks/other/cluster", allowed)
    assert not fnmatchcase("arn:aws:logs:ap-northeast-2:999999999999:log-group:/aws/eks/hello-dev/cluster", allowed)


def test_every_log_group_is_encrypted_and_has_a_retention(graph: Graph) -> None:
    (key,) = (one for one in graph.of_type(KEY) if one.name.endswith("-logs"))
    groups = graph.of_type(LOG_GROUP)
    stack = groups[0].urn.split(":")[2]
    assert {one.inputs["name"] for one in groups} == {
        f"/aws/eks/hello-{stack}/cluster",
        f"/aws/vpc/hello-{stack}/flow-logs",
    }
    for one in groups:
        assert one.inputs["retentionInDays"] == {"dev": 30, "prod": 365}[stack]
        assert "kmsKeyId" in one.inputs
        assert key.urn in one.dependencies


def test_resources_with_data_are_protected_in_a_protected_stack(graph: Graph) -> None:
    resources = [*graph.of_type(KEY), *graph.of_type(LOG_GROUP), *graph.of_type("aws:ecr/repository:Repository")]
    for one in every(resources):
        assert one.protect is (one.urn.split(":")[2] == "prod"), one.urn
    (cluster,) = graph.of_type("eks:index:Cluster")
    assert cluster.inputs["deletionProtection"] is (cluster.urn.split(":")[2] == "prod")
    assert not cluster.protect
