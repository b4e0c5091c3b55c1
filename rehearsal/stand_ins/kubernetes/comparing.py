"""What an update would do to an object: nothing, a change in place, or a replacement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from rehearsal.stand_ins.kubernetes.annotations import is_true
from rehearsal.stand_ins.kubernetes.checkpoints import Checkpoint
from rehearsal.stand_ins.kubernetes.differences import Change, Kind, differences
from rehearsal.stand_ins.kubernetes.identity import AUTONAMED
from rehearsal.stand_ins.kubernetes.inputs import normalized, pruned, with_what_the_server_drops
from rehearsal.stand_ins.kubernetes.paths import parse
from rehearsal.stand_ins.kubernetes.replacements import Mutability, replacing_fields
from release.kubernetes_api import KubernetesObject

_DEFAULT_NAMESPACE = "default"


@dataclass(frozen=True)
class Comparison:
    """What an update would do.

    Attributes:
        changes: The values that change.
        delete_first: Whether a replacement has to wait for the old object's end: it would have its name.
    """

    changes: tuple[Change, ...]
    delete_first: bool

    @property
    def replacing(self) -> tuple[Change, ...]:
        """The changes because of which the object is replaced."""
        whole_metadata = ("metadata",)
        return tuple(
            change
            for change in self.changes
            if change.replaces or (change.kind is Kind.DELETE and change.path == whole_metadata)
        )


def compared(
    old: Checkpoint,
    inputs: KubernetesObject,
    *,
    ignore_changes: Sequence[str],
    namespaced: bool,
    mutability: Mutability,
) -> Comparison:
    """Compares what is live, as far as the old inputs spoke about it, with the new inputs.

    So a field that the cluster filled in is no change, and one that was changed beside Pulumi is, once a refresh has
    seen it.

    Args:
        old: The object in the state.
        inputs: The new inputs, checked.
        ignore_changes: Property paths whose changes do not count.
        namespaced: Whether such objects live in namespaces.
        mutability: What the provider changes in place.

    Raises:
        ValueError: A path of `ignore_changes` is none.
    """
    before = normalized(old.inputs)
    after = normalized(inputs)
    live = with_what_the_server_drops(pruned(old.live, before), before, old.live)
    live = {"apiVersion": after.get("apiVersion"), "kind": after.get("kind"), **live}
    live, after = _in_namespace(live, namespaced=namespaced), _in_namespace(after, namespaced=namespaced)
    live_name = old.live.get("metadata", {}).get("name")
    if _metadata(after).get("name"):
        live = {**live, "metadata": {**_metadata(live), "name": live_name}}
    changes = differences(
        live,
        after,
        replacing=replacing_fields(after, mutability),
        ignored=[parse(path) for path in ignore_changes],
    )
    result = Comparison(tuple(changes), delete_first=False)
    metadata, live_metadata = _metadata(after), _metadata(live)
    same_place = (metadata.get("name"), metadata.get("namespace")) == (live_name, live_metadata.get("namespace"))
    delete_first = bool(result.replacing) and same_place and not is_true(after, AUTONAMED)
    return Comparison(result.changes, delete_first)


def _metadata(obj: KubernetesObject) -> dict[str, Any]:
    """An object's metadata; nothing while they are unknown."""
    metadata: Any = obj.get("metadata")
    return cast("dict[str, Any]", metadata) if isinstance(metadata, dict) else {}


def _in_namespace(obj: KubernetesObject, *, namespaced: bool) -> KubernetesObject:
    """A copy that says its namespace if it has one, and none if such objects have none."""
    metadata = _metadata(obj)
    if not metadata:
        return obj
    fields = {key: value for key, value in metadata.items() if key != "namespace"}
    if namespaced:
        fields["namespace"] = metadata.get("namespace") or _DEFAULT_NAMESPACE
    return {**obj, "metadata": fields}
