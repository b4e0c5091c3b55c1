"""Which keys a configuration may have: of an EKS add-on, of a Helm chart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias, cast

ANY: Final = object()
"""Any value: what is below is Kubernetes' own, and judged by its API server."""

Schema: TypeAlias = Any
"""A type, `ANY`, or for an object a mapping of its keys to their schemas; nothing else is allowed in it."""

LIMITS: Final[Mapping[str, Schema]] = {"cpu": str, "memory": str}
RESOURCES: Final[Mapping[str, Schema]] = {"limits": LIMITS, "requests": LIMITS}

_NAMES = {bool: "boolean", dict: "object", float: "number", int: "integer", list: "array", str: "string"}


def problems(schema: Schema, value: Any, path: str = "$") -> Iterator[str]:
    """Yields what a configuration has against its schema, in the words of EKS' validator. Null is always allowed."""
    if schema is ANY or value is None:
        return
    if isinstance(schema, Mapping):
        allowed = cast("Mapping[str, Schema]", schema)
        if not isinstance(value, dict):
            yield f"{path}: {_NAMES[type(value)]} found, object expected"
            return
        for key, item in cast("dict[str, Any]", value).items():
            if key not in allowed:
                yield f"{path}.{key}: is not defined in the schema and the schema does not allow additional properties"
            else:
                yield from problems(allowed[key], item, f"{path}.{key}")
    elif not isinstance(value, schema) or (isinstance(value, bool) and schema is not bool):
        yield f"{path}: {_NAMES[type(value)]} found, {_NAMES[schema]} expected"
