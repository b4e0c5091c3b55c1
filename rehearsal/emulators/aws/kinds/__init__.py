"""The emulated types of AWS resources: the table `kinds.yaml`, whose head says how to add one, and its functions.

The functions are in modules by service. Property names are those of pulumi-aws's schema.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, cast

import yaml

from rehearsal.emulators.aws.api import Api, Call
from rehearsal.emulators.aws.kind import Attribute, AutoName, Kind
from rehearsal.emulators.aws.properties import known_values
from rehearsal.errors import RehearsalError


class _Loader(yaml.CSafeLoader):
    """YAML with the tag `!function` for a function of `rehearsal.emulators.aws`."""


def _function(_loader: _Loader, node: yaml.ScalarNode) -> Any:
    module, _, name = str(node.value).rpartition(".")
    return resolve_name(f"rehearsal.emulators.aws.{module}:{name}")


_Loader.add_constructor("!function", _function)


def _attribute(entry: Any) -> Attribute:
    """The function that `kinds.yaml` has for an id or an output, or describes."""
    match entry:
        case str():
            return lambda resource: resource.text(entry)
        case {"response": str(path)}:
            return lambda resource: next(known_values(resource.response, path), "")
        case {"random": str(prefix)}:
            return lambda _: prefix + secrets.token_hex()[:17]
        case _:
            return entry


def _step(entry: Any) -> Any:
    """A function, an operation, or an operation with the fields of `Call`; or None."""
    if isinstance(entry, str):
        return Call(entry)
    if isinstance(entry, dict):
        ((operation, options),) = cast("dict[str, Any]", entry).items()
        return Call(operation, **options)
    return entry


def _api(entry: dict[str, Any]) -> Api:
    several: dict[str, Any] = {
        name: tuple(map(_step, entry[name])) for name in ("configure", "update", "delete") if name in entry
    }
    return Api(**{**entry, **several, "create": _step(entry.get("create"))})


def _kind(type_token: str, entry: dict[str, Any]) -> Kind:
    values: dict[str, Any] = {"type": type_token, **entry}
    values |= {"make_id": _attribute(values.pop("id")), "api": _api(entry.get("api", {}))}
    if "name" in entry:
        values["name"] = AutoName(**entry["name"])
    for field in entry.keys() & {"attributes", "revised"}:
        values[field] = {output: _attribute(value) for output, value in entry[field].items()}
    return Kind(**values)


def _read(file: Path) -> dict[str, Kind]:
    table: dict[str, Any] = yaml.load(file.read_text(), _Loader)  # noqa: S506 - a safe loader
    return {type_token: _kind(type_token, entry) for type_token, entry in table.items()}


KINDS = _read(Path(__file__).parent.with_name("kinds.yaml"))
"""All kinds, by Pulumi's type token."""


def kind_of(type_token: str) -> Kind:
    """The kind of a type.

    Raises:
        RehearsalError: The emulator has no such type.
    """
    if type_token not in KINDS:
        raise RehearsalError(
            f"the aws emulator has no resource type {type_token}",
            remedy="Add it to rehearsal/emulators/aws/kinds.yaml; its head says how.",
        )
    return KINDS[type_token]
