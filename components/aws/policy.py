"""IAM policy documents as data: a document is a list of statements. Every policy of the program is written this way."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Conditions: TypeAlias = Mapping[str, Mapping[str, str | Sequence[str]]]
"""Conditions of a policy statement, by operator and key: `{"StringEquals": {"aws:SourceAccount": "123456789012"}}`.

Of several values of a key one has to match.
"""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """Statement of an IAM policy, trust policy, key policy or bucket policy.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html

    Attributes:
        actions: Actions.
        resources: ARNs, or `*` for actions without resource-level permissions; None in a trust policy, which has none.
        principal: Who the statement is for, by kind, or `*` for everybody; None in the policy of a role.
        conditions: Conditions, all of which must hold.
        effect: Whether the statement allows or denies.
        sid: Name of the statement.
    """

    actions: str | Sequence[str]
    resources: str | Sequence[str] | None = None
    principal: Literal["*"] | Mapping[str, str] | None = None
    conditions: Conditions = field(default_factory=dict[str, Mapping[str, str | Sequence[str]]])
    effect: Literal["Allow", "Deny"] = "Allow"
    sid: str | None = None


def policy_document(statements: Sequence[Statement]) -> str:
    """Policy document as JSON."""
    return json.dumps({"Version": "2012-10-17", "Statement": [_elements(statement) for statement in statements]})


def _elements(statement: Statement) -> dict[str, object]:
    elements = {
        "Sid": statement.sid,
        "Effect": statement.effect,
        "Principal": statement.principal,
        "Action": _one_or_more(statement.actions),
        "Resource": _one_or_more(statement.resources),
        "Condition": statement.conditions or None,
    }
    return {name: value for name, value in elements.items() if value is not None}


def _one_or_more(values: str | Sequence[str] | None) -> str | list[str] | None:
    return values if values is None or isinstance(values, str) else list(values)
