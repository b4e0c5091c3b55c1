"""Pulumi property bags as plain Python values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias, cast

from google.protobuf import json_format, struct_pb2

Properties: TypeAlias = dict[str, Any]
"""JSON values by Pulumi property name (camelCase); `UNKNOWN` for values that are unknown in previews."""

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""`pulumi.runtime.rpc.UNKNOWN`, without the SDK: what only reads the account's records starts in half the time.

https://github.com/pulumi/pulumi/blob/v3.260.0/sdk/python/lib/pulumi/runtime/rpc.py
"""

DEFAULTED = "__defaults"
"""The input that lists the inputs with defaults of the provider; the engine hides properties that begin with `__`.

https://github.com/pulumi/pulumi-terraform-bridge/blob/main/pkg/tfbridge/schema.go
"""


def from_struct(struct: struct_pb2.Struct) -> Properties:
    """Properties from a protobuf message; whole numbers become int."""
    return json_format.MessageToDict(struct)


def to_struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """Properties as a protobuf message."""
    return json_format.ParseDict(dict(properties), struct_pb2.Struct())


def known_values(properties: Any, path: str) -> Iterator[Any]:
    """Yields the known values at a dotted path; a list along it yields each of its items.

    `known_values({"vpcConfig": {"subnetIds": ["a", "b"]}}, "vpcConfig.subnetIds")` gives `a` and `b`.
    """
    if isinstance(properties, list):
        for item in cast("list[Any]", properties):
            yield from known_values(item, path)
    elif not path:
        if properties is not None and properties != UNKNOWN:
            yield properties
    elif isinstance(properties, dict):
        name, _, rest = path.partition(".")
        yield from known_values(cast("Properties", properties).get(name), rest)


def changed_paths(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """Yields the property paths at which two bags differ, in Pulumi's notation: `scalingConfig.desiredSize`, `a[0]`."""
    if isinstance(old, dict) and isinstance(new, dict):
        olds, news = cast("Properties", old), cast("Properties", new)
        for name in sorted({*olds, *news} - {DEFAULTED}):
            yield from changed_paths(olds.get(name), news.get(name), f"{path}.{name}" if path else name)
    elif isinstance(old, list) and isinstance(new, list):
        left, right = cast("Sequence[Any]", old), cast("Sequence[Any]", new)
        for index in range(max(len(left), len(right))):
            yield from changed_paths(
                left[index] if index < len(left) else None,
                right[index] if index < len(right) else None,
                f"{path}[{index}]",
            )
    elif old != new:
        yield path
