"""Data sources answer what AWS and its provider would."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.stand_ins.aws import invokes, policy_documents
from rehearsal.stand_ins.aws.errors import AwsError
from tests.unit.rehearsal.stand_ins.aws.examples import World

GET_CLUSTER = "aws:eks/getCluster:getCluster"
GET_INSTANCE_TYPE = "aws:ec2/getInstanceType:getInstanceType"


def test_the_regions_zones_are_given_with_their_ids(tmp_path: Path) -> None:
    zones = invokes.answer("aws:index/getAvailabilityZones:getAvailabilityZones", World(tmp_path).caller, {})
    assert zones["names"][:2] == ["ap-northeast-2a", "ap-northeast-2b"]
    assert zones["zoneIds"][0] == "apne2-az1"


def test_a_cluster_is_looked_up_by_its_name(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.make_all()
    found = invokes.answer(GET_CLUSTER, world.caller, {"name": "hello"})
    assert (found["endpoint"], found["id"]) == ("https://127.0.0.1:6443", "hello")
    with pytest.raises(AwsError, match="ResourceNotFoundException"):
        invokes.answer(GET_CLUSTER, world.caller, {"name": "none"})


def test_an_instance_type_is_described(tmp_path: Path) -> None:
    described = invokes.answer(GET_INSTANCE_TYPE, World(tmp_path).caller, {"instanceType": "t3.large"})
    assert (described["defaultVcpus"], described["memorySize"]) == (2, 8192)


def test_who_and_where_the_caller_is(tmp_path: Path) -> None:
    caller = World(tmp_path).caller
    assert invokes.answer("aws:index/getRegion:getRegion", caller, {})["region"] == "ap-northeast-2"
    assert invokes.answer("aws:index/getPartition:getPartition", caller, {})["partition"] == "aws"
    assert invokes.answer("aws:index/getCallerIdentity:getCallerIdentity", caller, {})["accountId"] == "123456789012"


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("aws:ec2/getAmi:getAmi", "invokes.py"),
        ("aws:eks/getAddonVersion:getAddonVersion", "Give the add-on's version"),
    ],
)
def test_what_a_rehearsal_cannot_answer_is_refused(tmp_path: Path, token: str, message: str) -> None:
    with pytest.raises(RehearsalError, match=message):
        invokes.answer(token, World(tmp_path).caller, {})


def test_a_policy_document_is_rendered_as_the_provider_does() -> None:
    document = policy_documents.render(
        {
            "statements": [
                {
                    "sid": "Read",
                    "actions": ["s3:GetObject", "s3:ListBucket"],
                    "resources": ["*"],
                    "conditions": [{"test": "StringEquals", "variable": "aws:SourceAccount", "values": ["1"]}],
                },
                {
                    "effect": "Deny",
                    "actions": ["sts:AssumeRole"],
                    "principals": [{"type": "Service", "identifiers": ["a.amazonaws.com", "b.amazonaws.com"]}],
                },
                {"actions": ["x:y"], "principals": [{"type": "*", "identifiers": ["*"]}]},
            ]
        }
    )
    assert document.startswith('{\n  "Version": "2012-10-17",\n  "Statement": [')
    assert json.loads(document)["Statement"] == [
        {
            "Sid": "Read",
            "Effect": "Allow",
            "Action": ["s3:ListBucket", "s3:GetObject"],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceAccount": "1"}},
        },
        {
            "Effect": "Deny",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": ["b.amazonaws.com", "a.amazonaws.com"]},
        },
        {"Effect": "Allow", "Action": "x:y", "Principal": "*"},
    ]


def test_merging_policy_documents_is_refused_by_name() -> None:
    with pytest.raises(RehearsalError, match="sourcePolicyDocuments"):
        policy_documents.render({"sourcePolicyDocuments": ["{}"]})
