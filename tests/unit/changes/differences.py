"""What an update with changed settings does to each resource, by the rules of AWS and of the Kubernetes provider."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from rehearsal.emulators.aws.kinds import KINDS
from rehearsal.emulators.aws.lifecycle import difference
from rehearsal.emulators.aws.properties import changed_paths
from tools.program.graph import Graph, Registration

REPLACES: Mapping[str, tuple[str, ...]] = {
    "": ("metadata.name", "metadata.namespace"),
    "ConfigMap": ("data", "binaryData"),
    "Secret": ("stringData", "data", "type"),
    "Job": ("spec",),
    "RoleBinding": ("roleRef",),
    "StorageClass": ("parameters", "provisioner", "volumeBindingMode"),
    "Deployment": ("spec.selector",),
}
"""Fields of Kubernetes objects whose change makes the provider replace the object; under "" those of every kind.

https://github.com/pulumi/pulumi-kubernetes/blob/v4.29.0/provider/pkg/provider/diff.go
"""

COMPONENTS: Mapping[str, tuple[str, ...]] = {
    "eks:index:Cluster": ("name", "serviceRole", "encryptionConfigKeyArn"),
    "eks:index:ManagedNodeGroup": ("nodeGroupName", "subnetIds", "nodeRole", "amiType", "clusterName", "instanceTypes"),
}
"""Arguments of pulumi-eks' components whose change replaces what they make, as in the emulator's inputs.yaml."""


def operations(before: Graph, after: Graph) -> dict[str, str]:
    """The operation on each resource that differs, by its type and name: `create`, `update`, `replace`, `delete`.

    Ids stay: a resource that uses a replaced one only by its id is not listed.
    """
    found: dict[str, str] = {}
    for urn in dict.fromkeys((*before.resources, *after.resources)):
        old, new = before.resources.get(urn), after.resources.get(urn)
        made = new or old
        if made is None or not (made.custom or made.remote):
            continue
        operation = "create" if old is None else "delete" if new is None else _operation(old, new)
        if operation:
            found[f"{made.type}::{made.name}"] = operation
    return found


def _operation(old: Registration, new: Registration) -> str:
    ignored = new.ignore_changes
    if new.inputs.get("ignoreScalingChanges"):
        ignored += ("scalingConfig.desiredSize",)
    paths = [
        re.sub(r"\[\d+\]", "", path)
        for path in changed_paths(_plain(old.inputs), _plain(new.inputs))
        if not path.startswith(ignored)
    ]
    if not paths:
        return "update" if old.protect != new.protect else ""
    if new.replace_on_changes == ("*",):
        return "replace"
    if new.type in KINDS:
        replaces = any(difference(KINDS[new.type], _plain(old.inputs), _plain(new.inputs)).paths.values())
    else:
        fields = COMPONENTS.get(new.type) or (*REPLACES[""], *REPLACES.get(new.kind or "", ()))
        replaces = any(path == field or path.startswith(f"{field}.") for path in paths for field in fields)
    return "replace" if replaces else "update"


def _plain(value: Any) -> Any:
    """Inputs as JSON values: secrets and references by their text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list):
        return [_plain(item) for item in cast("list[Any]", value)]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
