"""Deletion protection of AWS resources."""

from __future__ import annotations

from dataclasses import replace

from rehearsal.emulators.aws.account import changing
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import Resource
from rehearsal.layout import Layout

PROTECTIONS = {
    "aws:cloudwatch/logGroup:LogGroup": "deletionProtectionEnabled",
    "aws:eks/cluster:Cluster": "deletionProtection",
}
"""The input that enables deletion protection, by type.

https://docs.aws.amazon.com/eks/latest/userguide/deletion-protection.html
"""


def check(resource: Resource) -> None:
    """Refuses to delete a protected resource: raises `AwsError`."""
    if any(resource.inputs.get(name) for name in PROTECTIONS.values()):
        raise AwsError(
            "InvalidRequestException", f"{resource.id} cannot be deleted because it has deletion protection enabled"
        )


def lift(layout: Layout) -> list[str]:
    """Disables deletion protection of all resources in the account, like an operator with the AWS CLI.

    Returns:
        The ids of the resources that were protected.
    """
    if not layout.aws_account.exists():
        return []
    with changing(layout) as account:
        protected = [record for record in account.records() if record.inputs.get(PROTECTIONS.get(record.type, ""))]
        for record in protected:
            off = {PROTECTIONS[record.type]: False}
            account.put(replace(record, inputs={**record.inputs, **off}, outputs={**record.outputs, **off}))
    return [record.id for record in protected]
