"""Pulumi property bags as plain Python values, and back.

On the wire an unknown value and a secret are marked by signatures:
https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/plugin/rpc.go
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

from google.protobuf import struct_pb2

PropertyBag: TypeAlias = dict[str, Any]
"""Names to values: JSON's, `Secret` and `UNKNOWN`."""

_SIGNATURE_KEY = "4dabf18193072939515e22adb298388d"
_SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a public marker of the protocol
_OUTPUT_SIGNATURE = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_UNKNOWN_SIGNATURE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWN_SIGNATURES = frozenset(
    {
        _UNKNOWN_SIGNATURE,  # of type string, as every unknown is when a provider is asked
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)


class Unknown:
    """The type of `UNKNOWN`."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()
"""A value that a preview cannot know yet."""


@dataclass(frozen=True)
class Secret:
    """A value that the engine encrypts in the state and hides on screen."""

    value: Any


def decode(struct: struct_pb2.Struct) -> PropertyBag:
    """The values of a message. Nulls in objects are left out, as if they had not been given."""
    return {key: _decode(value) for key, value in struct.fields.items() if value.WhichOneof("kind") != "null_value"}


def _decode(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            return UNKNOWN if value.string_value in _UNKNOWN_SIGNATURES else value.string_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_decode(item) for item in value.list_value.values]
        case "struct_value":
            return _decode_object(value.struct_value)
        case _:
            return None


def _decode_object(struct: struct_pb2.Struct) -> Any:
    signature = struct.fields[_SIGNATURE_KEY].string_value if _SIGNATURE_KEY in struct.fields else None
    if signature == _SECRET_SIGNATURE:
        return Secret(_decode(struct.fields["value"]))
    if signature == _OUTPUT_SIGNATURE:
        value = _decode(struct.fields["value"]) if "value" in struct.fields else UNKNOWN
        secret = "secret" in struct.fields and struct.fields["secret"].bool_value
        return Secret(value) if secret else value
    return decode(struct)


def encode(bag: Mapping[str, Any]) -> struct_pb2.Struct:
    """The message that carries these values."""
    struct = struct_pb2.Struct()
    for key, value in bag.items():
        if value is not None:
            _encode(value, struct.fields[key])
    return struct


def _encode(value: Any, into: struct_pb2.Value) -> None:
    match value:
        case None:
            into.null_value = struct_pb2.NULL_VALUE
        case Unknown():
            into.string_value = _UNKNOWN_SIGNATURE
        case Secret():
            into.struct_value.fields[_SIGNATURE_KEY].string_value = _SECRET_SIGNATURE
            _encode(value.value, into.struct_value.fields["value"])
        case bool():
            into.bool_value = value
        case int() | float():
            into.number_value = value
        case str():
            into.string_value = value
        case list():
            into.list_value.SetInParent()  # an empty list is a list too
            items = into.list_value.values
            for item in cast("list[Any]", value):
                _encode(item, items.add())
        case dict():
            into.struct_value.SetInParent()
            into.struct_value.CopyFrom(encode(cast("dict[str, Any]", value)))
        case _:
            raise TypeError(f"{type(value).__name__} is no property value")


def revealed(value: Any) -> Any:
    """A copy of a value with the secrets in it laid open."""
    match value:
        case Secret():
            return revealed(value.value)
        case dict():
            return {key: revealed(item) for key, item in cast("dict[str, Any]", value).items()}
        case list():
            return [revealed(item) for item in cast("list[Any]", value)]
        case _:
            return value


def has_unknown(value: Any) -> bool:
    """Whether anything in a value is not known yet."""
    return _contains(value, Unknown)


def _contains(value: Any, kind: type[Unknown | Secret]) -> bool:
    match value:
        case Secret():
            return kind is Secret or _contains(value.value, kind)
        case Unknown():
            return kind is Unknown
        case dict():
            return any(_contains(item, kind) for item in cast("dict[str, Any]", value).values())
        case list():
            return any(_contains(item, kind) for item in cast("list[Any]", value))
        case _:
            return False


def with_secrets_of(values: PropertyBag, origin: PropertyBag) -> PropertyBag:
    """Makes secret in `values` what is secret at the same place in `origin`.

    Objects are followed; of anything else, a list above all, the whole is secret when a part of it was. The `data`
    and `stringData` of a Kubernetes Secret are always secret, at any depth (a list of objects, a template).
    """
    marked = {key: _with_secrets_of(value, origin.get(key)) for key, value in values.items()}
    if values.get("kind") == "Secret":
        for key in ("data", "stringData"):
            if key in marked and not isinstance(marked[key], Secret):
                marked[key] = Secret(revealed(marked[key]))
    return marked


def _with_secrets_of(value: Any, origin: Any) -> Any:
    match value, origin:
        case dict(), dict():
            return with_secrets_of(cast("PropertyBag", value), cast("PropertyBag", origin))
        case Secret(), _:
            return cast("Any", value)
        case _:
            return Secret(value) if _contains(origin, Secret) else value
