"""Which manager owns which field of an object, by its `metadata.managedFields`.

https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, cast

from rehearsal.stand_ins.kubernetes.paths import parse, render
from release.kubernetes_api import KubernetesObject

Entry: TypeAlias = dict[str, Any]
"""One entry of `metadata.managedFields`: a manager, its operation, its fields."""

FieldTree: TypeAlias = dict[str, Any]
"""An entry's `fieldsV1`: `f:NAME`, `k:KEYS`, `v:VALUE` to what is below; `.` says that the node itself is a member."""

CREATOR = "pulumi-kubernetes"
"""The manager in whose name objects are created; the first update takes its fields over."""

_ADOPTED = (
    # Operation and beginning of the name, as the real provider compares them.
    ("kubectl", "Apply"),
    ("kubectl", "Update"),
    ("before-first-apply", "Update"),
    (CREATOR, "Update"),
    ("pulumi-resource-kubernetes", "Update"),
)


def owns(tree: FieldTree, path: Sequence[str]) -> bool:
    """Whether a manager with these fields owns the value at a path of field names, or a part of it."""
    node: FieldTree | None = tree
    for name in path:
        node = node.get(f"f:{name}")
        if node is None:
            return False
    return True


def union(one: FieldTree, other: FieldTree) -> FieldTree:
    """The fields that are in either."""
    if not one and not other:
        return {}
    children = {key: one[key] if key in one else other[key] for key in (*one, *other) if key != "."}
    for key in children:
        if key in one and key in other:
            children[key] = union(one[key], other[key])
    is_member = not one or not other or "." in one or "." in other
    return {".": {}, **children} if is_member else children


def adopted(entries: Sequence[Entry], manager: str) -> list[Entry] | None:
    """The entries after a manager took over the fields of this provider's creation and of `kubectl`; None if it has.

    Without this the first apply after a creation would conflict with the creation.
    """
    own: Entry | None = next(
        (e for e in entries if e.get("manager") == manager and e.get("operation") == "Apply"), None
    )
    kept: list[Entry] = []
    changed = False
    for entry in entries:
        if entry is own or (own is not None and entry == own):
            continue
        if not _is_adopted(entry):
            kept.append(entry)
            continue
        changed = True
        if own is None:
            own = {**entry, "manager": manager, "operation": "Apply"}
        else:
            own = {**own, "fieldsV1": union(own.get("fieldsV1", {}), entry.get("fieldsV1", {}))}
    return [*kept, own] if changed and own is not None else None


def _is_adopted(entry: Entry) -> bool:
    name, operation = str(entry.get("manager", "")), entry.get("operation")
    return not entry.get("subresource") and any(
        name.startswith(prefix) and operation == adopted_operation for prefix, adopted_operation in _ADOPTED
    )


def was_created_here(entries: Sequence[Entry]) -> bool:
    """Whether an object still is as this provider created it, its fields not yet taken over."""
    return any(entry.get("operation") == "Update" and entry.get("manager") == CREATOR for entry in entries)


def without_ignored(
    inputs: KubernetesObject, live: KubernetesObject, *, manager: str, ignore_changes: Sequence[str]
) -> KubernetesObject:
    """The inputs to apply when changes of some values are to be ignored.

    A value that others own and we do not is left out: applying it would be a conflict, or a second owner. A value
    that we own, alone or with others, is applied as it is live: leaving it out would remove it. A value that is not
    there is applied as given. Paths with an index are not understood here, as in the real provider: they are applied
    as given, and conflict.
    """
    entries: Sequence[Entry] = live["metadata"].get("managedFields", [])
    ours = [entry.get("fieldsV1", {}) for entry in entries if entry.get("manager") == manager]
    theirs = [entry.get("fieldsV1", {}) for entry in entries if entry.get("manager") != manager]
    result = copy.deepcopy(inputs)
    for text in ignore_changes:
        path = render(parse(text)).split(".")
        if any(owns(tree, path) for tree in theirs) and not any(owns(tree, path) for tree in ours):
            _remove(result, path)
            continue
        found, value = _value_at(live, path)
        if found:
            _set(result, path, copy.deepcopy(value))
    return result


def _value_at(value: Mapping[str, Any], path: Sequence[str]) -> tuple[bool, Any]:
    node: Any = value
    for name in path:
        if not isinstance(node, dict) or name not in node:
            return False, None
        node = cast("dict[str, Any]", node)[name]
    return True, node


def _set(target: KubernetesObject, path: Sequence[str], value: Any) -> None:
    node: dict[str, Any] = target
    for name in path[:-1]:
        node = node.setdefault(name, {})
    node[path[-1]] = value


def _remove(target: KubernetesObject, path: Sequence[str]) -> None:
    found, node = _value_at(target, path[:-1])
    if found and isinstance(node, dict):
        cast("dict[str, Any]", node).pop(path[-1], None)
