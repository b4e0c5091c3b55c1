"""The types of AWS resources that the stand-in has: a table, one module a service.

To add a type, add its `Kind` to the module of its service (or a new module, listed below). The vocabulary is
`rehearsal.stand_ins.aws.kind`; Pulumi's schema names the properties, the Terraform provider's source says which ones
force a replacement (`ForceNew`).
"""

from __future__ import annotations

from rehearsal.errors import RehearsalError
from rehearsal.stand_ins.aws.kind import Kind
from rehearsal.stand_ins.aws.kinds import (
    buckets,
    certificates,
    cluster_access,
    clusters,
    dns,
    keys,
    launch_templates,
    logs,
    network,
    node_groups,
    registry,
    roles,
    security_groups,
    snapshots,
)

KINDS: dict[str, Kind] = {
    kind.type: kind
    for module in (
        network,
        security_groups,
        launch_templates,
        roles,
        clusters,
        cluster_access,
        node_groups,
        keys,
        logs,
        registry,
        snapshots,
        buckets,
        dns,
        certificates,
    )
    for kind in module.KINDS
}
"""All kinds, by Pulumi's type token."""


def kind_of(type_token: str) -> Kind:
    """The kind of a type.

    Raises:
        RehearsalError: The stand-in has no such type.
    """
    if type_token not in KINDS:
        raise RehearsalError(
            f"the aws stand-in has no resource type {type_token}",
            remedy="Add its Kind to a table in rehearsal/stand_ins/aws/kinds/; the package's docstring says how.",
        )
    return KINDS[type_token]
