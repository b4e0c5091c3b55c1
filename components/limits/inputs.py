"""Values in a resource's inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import pulumi
from pydantic.alias_generators import to_camel


def values_at(inputs: Any, path: str) -> Iterator[Any]:
    """Every plain value at a dotted path; the items of lists on the way, and nothing where it is an unknown output.

    Args:
        inputs: A resource's inputs: mappings or Pulumi's input types.
        path: Names of properties as in Pulumi's schema, such as `metadata.name`; `*` for each key of a mapping.
    """
    first, _, rest = path.partition(".")
    members = _members(inputs)
    if members is None:
        return
    for value in members if first == "*" else [members.get(first)]:
        for item in _items(value):
            if rest:
                yield from values_at(item, rest)
            elif item is not None and not isinstance(item, pulumi.Output):
                yield item


def one_at(inputs: Any, path: str) -> Any:
    """The first value at a path; None if there is none or it is unknown."""
    return next(values_at(inputs, path), None)


def _items(value: Any) -> Sequence[Any]:
    return cast("Sequence[Any]", value) if isinstance(value, list | tuple) else [value]


def _members(value: Any) -> Mapping[str, Any] | None:
    """A mapping's members, or those of one of Pulumi's input types by their names in the schema."""
    if isinstance(value, Mapping):
        return cast("Mapping[str, Any]", value)
    unknown: object = value
    if isinstance(unknown, pulumi.Output | pulumi.Resource | str | bytes | int | float | None):
        return None
    properties: dict[str, Any] = vars(unknown)
    return {to_camel(name): member for name, member in properties.items()}
