"""What changes between two versions of a resource's inputs, and what that takes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rehearsal.stand_ins.aws.kind import Kind
from rehearsal.stand_ins.aws.properties import DEFAULTED, Properties, changed_paths


@dataclass(frozen=True)
class Difference:
    """What changes.

    Attributes:
        paths: The changed property paths, and whether each forces a replacement.
        delete_first: Whether a replacement has to delete the old resource before it makes the new one: both would
            have the name that the program gives.
    """

    paths: dict[str, bool]
    delete_first: bool

    @property
    def replaces(self) -> bool:
        """Whether a new resource takes the place of the old."""
        return any(self.paths.values())


def difference(kind: Kind, old: Properties, new: Properties) -> Difference:
    """Compares two versions of checked inputs."""
    paths = {path: _forces_replacement(kind, path) for path in changed_paths(old, new)}
    named = kind.name is not None and all(
        kind.name.property in inputs and kind.name.property not in inputs.get(DEFAULTED, []) for inputs in (old, new)
    )
    same_name = kind.name is not None and old.get(kind.name.property) == new.get(kind.name.property)
    return Difference(paths=paths, delete_first=named and same_name)


def _forces_replacement(kind: Kind, path: str) -> bool:
    plain = re.sub(r"\[\d+\]", "", path)
    return any(
        plain == replaced or plain.startswith(f"{replaced}.") or replaced.startswith(f"{plain}.")
        for replaced in kind.replaces
    )
