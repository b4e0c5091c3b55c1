"""`aws.iam.getPolicyDocument`: statements as arguments, the policy's JSON as the answer."""

from __future__ import annotations

import json
from typing import Any, cast

from rehearsal.errors import RehearsalError
from rehearsal.stand_ins.aws.properties import Properties

MERGING = (
    "overrideJson", "overridePolicyDocuments", "sourceJson", "sourcePolicyDocuments",
)  # fmt: skip


def render(arguments: Properties) -> str:
    """The policy document, laid out as Terraform's `aws_iam_policy_document` does: two spaces, lists in reverse order.

    https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/iam_policy_document

    Raises:
        RehearsalError: Documents are to be merged, which the stand-in cannot.
    """
    merged = [name for name in MERGING if arguments.get(name)]
    if merged:
        raise RehearsalError(
            f"the aws stand-in's getPolicyDocument knows no {', '.join(merged)}",
            remedy="Extend rehearsal/stand_ins/aws/policy_documents.py, or write the document as JSON.",
        )
    document: Properties = {"Version": arguments.get("version") or "2012-10-17"}
    if arguments.get("policyId"):
        document["Id"] = arguments["policyId"]
    document["Statement"] = [
        _statement(statement) for statement in cast("list[Any]", arguments.get("statements") or [])
    ]
    return json.dumps(document, indent=2)


def _statement(statement: Properties) -> Properties:
    rendered = {
        "Sid": statement.get("sid"),
        "Effect": statement.get("effect") or "Allow",
        "Action": _texts(statement.get("actions")),
        "NotAction": _texts(statement.get("notActions")),
        "Resource": _texts(statement.get("resources")),
        "NotResource": _texts(statement.get("notResources")),
        "Principal": _principals(statement.get("principals")),
        "NotPrincipal": _principals(statement.get("notPrincipals")),
        "Condition": _conditions(statement.get("conditions")),
    }
    return {name: value for name, value in rendered.items() if value}


def _texts(values: Any) -> str | list[str] | None:
    texts = sorted(cast("list[str]", values or []), reverse=True)
    return texts[0] if len(texts) == 1 else texts or None


def _principals(principals: Any) -> Any:
    gathered: dict[str, list[str]] = {}
    for principal in cast("list[Any]", principals or []):
        gathered.setdefault(str(principal["type"]), []).extend(principal["identifiers"])
    if gathered.get("*") == ["*"]:
        return "*"
    return {kind: _texts(identifiers) for kind, identifiers in gathered.items()}


def _conditions(conditions: Any) -> dict[str, dict[str, Any]]:
    gathered: dict[str, dict[str, Any]] = {}
    for condition in cast("list[Any]", conditions or []):
        values: list[str] = condition["values"]
        gathered.setdefault(str(condition["test"]), {})[str(condition["variable"])] = (
            values[0] if len(values) == 1 else values
        )
    return gathered
