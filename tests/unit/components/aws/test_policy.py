"""Policy documents: the JSON of their statements."""

from __future__ import annotations

import json
from typing import Any

from moto.iam.policy_validation import IAMPolicyDocumentValidator

from components.aws.policy import Statement, policy_document
from tools.program.graph import every


def statements(document: str) -> list[dict[str, Any]]:
    return every(json.loads(document)["Statement"], "statement")


def test_a_role_policy_has_the_elements_that_its_statement_sets() -> None:
    document = policy_document(
        [Statement(actions=["s3:GetObject"], resources=["*"], conditions={"StringEquals": {"a:b": "c"}})]
    )
    IAMPolicyDocumentValidator(document).validate()
    assert statements(document) == [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": ["*"],
            "Condition": {"StringEquals": {"a:b": "c"}},
        }
    ]


def test_a_resource_policy_names_its_principal() -> None:
    deny = Statement(sid="Nobody", effect="Deny", principal="*", actions="s3:*", resources="arn:aws:s3:::b")
    trust = Statement(principal={"Service": "ec2.amazonaws.com"}, actions=["sts:AssumeRole"])
    assert statements(policy_document([deny, trust])) == [
        {"Sid": "Nobody", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::b"},
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": ["sts:AssumeRole"]},
    ]
