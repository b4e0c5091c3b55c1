"""What an update would change, path by path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, cast

from rehearsal.stand_ins.kubernetes.paths import Path, contains
from rehearsal.stand_ins.kubernetes.properties import UNKNOWN
from rehearsal.stand_ins.kubernetes.replacements import touches
from release.kubernetes_api import KubernetesObject


class Kind(Enum):
    """What happens to a value."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclass(frozen=True)
class Change:
    """One value's change.

    Attributes:
        path: Where it is.
        kind: What happens to it.
        replaces: Whether the object is replaced because of it.
    """

    path: Path
    kind: Kind
    replaces: bool


_MISSING: Final = object()


def differences(
    old: KubernetesObject, new: KubernetesObject, *, replacing: Sequence[Path], ignored: Sequence[Path]
) -> list[Change]:
    """The changes from the old inputs, as they are live, to the new ones.

    Args:
        old: The live object, pruned to its inputs.
        new: The new inputs; unknown values count as changed.
        replacing: Fields that cannot be changed in place.
        ignored: Values whose changes do not count (`ignore_changes`).
    """
    return [
        Change(path, kind, replaces=any(touches(path, value, field) for field in replacing))
        for path, kind, value in _changes((), old, new)
        if not any(contains(field, path) for field in ignored)
    ]


def _changes(path: Path, old: Any, new: Any) -> Iterator[tuple[Path, Kind, Any]]:
    if new is _MISSING:
        yield path, Kind.DELETE, None
    elif old is _MISSING:
        yield path, Kind.ADD, new
    elif new is UNKNOWN:
        yield path, Kind.UPDATE, None
    elif isinstance(old, dict) and isinstance(new, dict):
        before, after = cast("dict[str, Any]", old), cast("dict[str, Any]", new)
        for key in (*after, *(key for key in before if key not in after)):
            yield from _changes((*path, key), before.get(key, _MISSING), after.get(key, _MISSING))
    elif isinstance(old, list) and isinstance(new, list):
        items, others = cast("list[Any]", old), cast("list[Any]", new)
        for index in range(max(len(items), len(others))):
            yield from _changes((*path, index), _at(items, index), _at(others, index))
    elif old != new or isinstance(old, bool) != isinstance(new, bool):
        yield path, Kind.UPDATE, new


def _at(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else _MISSING
