"""The inputs of each resource type: the values that AWS accepts, and the changes that force a replacement.

The table is `inputs.yaml`, whose head says how to add a type. Its rules are functions here: they raise `AwsError` or
`ValueError`, with the messages of AWS or of the Terraform provider.
"""

from __future__ import annotations

import importlib
import ipaddress
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import field
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any, TypeAlias, cast

import yaml
from pydantic import BeforeValidator, ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass

from config.instance_types import instance_types
from rehearsal.emulators.aws.account import Record
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.properties import Properties, known_values

STRICT = ConfigDict(extra="forbid")

Rule: TypeAlias = Callable[[Any], None]
"""Validates one known input value, in previews too."""

ARN = re.compile(r"arn:aws(-[a-z]+)*:(?P<service>[^:]*):([a-z]{2,4}(-[a-z]+)+-\d{1,2})?:(aws|aws-managed|\d{12})?:.+")

LARGEST_NETWORK, SMALLEST_NETWORK = 16, 28

_IMPORTING = threading.Lock()


def pattern(value: Any, expression: str, code: str, message: str) -> None:
    """A regular expression for the whole value; `{value}` in the message is the value."""
    if not re.fullmatch(expression, str(value)):
        raise AwsError(code, message.replace("{value}", str(value)))


def member(value: Any, name: str, expression: str) -> None:
    """A regular expression for a parameter, with the message of AWS's JSON services."""
    message = (
        f"1 validation error detected: Value '{{value}}' at '{name}' failed to satisfy constraint: Member must satisfy "
        f"regular expression pattern: {expression}"
    )
    pattern(value, expression, "InvalidParameterException", message)


def iam_name(value: Any, parameter: str, longest: int) -> None:
    """A name in IAM: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html ."""
    message = (
        f"The specified value for {parameter} is invalid. It must contain only alphanumeric characters and/or the "
        f"following: +=,.@_- and have at most {longest} of them: {{value}}"
    )
    pattern(value, rf"[\w+=,.@-]{{1,{longest}}}", "ValidationError", message)


def one_of(value: Any, *allowed: Any) -> None:
    """One of several values; the message is the provider's."""
    if value not in allowed:
        raise ValueError(f"expected to be one of {list(allowed)}, got {value}")


def unsupported(_value: Any, remedy: str) -> None:
    """No value at all, since the emulator lacks the input."""
    raise ValueError(f"the aws emulator does not support this input: {remedy}")


def between(value: Any, least: int, most: int) -> None:
    """An integer in a range, both ends included; the message is the provider's."""
    if not least <= int(value) <= most:
        raise ValueError(f"expected to be in the range ({least} - {most}), got {value}")


def arn(value: Any, service: str | None = None) -> None:
    """An ARN, of any service or of one.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
    """
    match = ARN.fullmatch(str(value))
    if not match:
        raise ValueError(f"({value}) is an invalid ARN: it has to match {ARN.pattern}")
    if service not in (None, match["service"]):
        raise ValueError(f"({value}) is an ARN of {match['service']}, not of {service}")


def cidr(value: Any) -> None:
    """An IPv4 CIDR block without host bits; the message is the provider's."""
    try:
        network = ipaddress.IPv4Network(value, strict=False)
    except ValueError:
        raise ValueError(f'"{value}" is not a valid IPv4 CIDR block: invalid CIDR address: {value}') from None
    if str(network) != value:
        raise ValueError(f'"{value}" is not a valid IPv4 CIDR block; did you mean "{network}"?')


def sized_cidr(value: Any, code: str) -> None:
    """The CIDR block of a VPC or subnet: /16 to /28.

    https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html
    https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
    """
    cidr(value)
    if not LARGEST_NETWORK <= ipaddress.IPv4Network(value).prefixlen <= SMALLEST_NETWORK:
        raise AwsError(code, f"The CIDR '{value}' is invalid.")


def json_text(value: Any) -> None:
    """A JSON document."""
    try:
        json.loads(value)
    except ValueError as error:
        raise ValueError(f"contains an invalid JSON: {error}") from None


def policy(value: Any, module: str, validator: str) -> None:
    """A policy document that passes a validator of moto.

    The validator runs in this process, since a preview may run before the account exists. Its import takes a second,
    hence on first use; and under a lock, since concurrent imports of moto's circular modules deadlock ("deadlock
    detected by _ModuleLock").
    """
    with _IMPORTING:
        errors, documents = (importlib.import_module(f"moto.{name}") for name in ("core.exceptions", module))
    try:
        getattr(documents, validator)(str(value)).validate()
    except errors.ServiceException as error:
        raise AwsError(str(error.code), str(error.message)) from None


def instance_type(value: Any) -> None:
    """An existing EC2 instance type."""
    if value not in instance_types():
        raise AwsError("InvalidParameterException", f"The following supplied instance types do not exist: [{value}]")


LONGEST_TAG = {"key": 128, "value": 256}
"""Maximum length in characters."""


def check_tags(value: Any) -> None:
    """Tags: no reserved prefix, no key or value that is too long.

    https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
    """
    for key, text in dict(value).items():
        if str(key).lower().startswith("aws:"):
            raise AwsError(
                "InvalidParameterValue", f"Tag keys starting with 'aws:' are reserved for internal use: {key}"
            )
        for part, content in (("key", key), ("value", text)):
            if len(str(content)) > LONGEST_TAG[part]:
                raise AwsError(
                    "InvalidParameterValue",
                    f"Tag {part} exceeds the maximum length of {LONGEST_TAG[part]} characters: {key}",
                )


@dataclass(frozen=True, config=STRICT)
class Error:
    """Template of an AWS error: its code, and its message with placeholders."""

    code: str
    message: str

    def format(self, values: Mapping[str, Any]) -> AwsError:
        """The error, with the message's placeholders filled in."""
        return AwsError(self.code, self.message.format_map(values))


@dataclass(frozen=True, config=STRICT)
class Reference:
    """An input that refers to another resource of the account.

    Attributes:
        to: The other resource's type.
        by: The other resource's output that the input holds, or `id`.
        missing: The error if the other resource does not exist (`{value}`, `{account}`); None where AWS does not check.
        blocks: The error on deletion of the other resource while this one refers to it (the other's `{id}` and
            outputs); None where AWS allows the deletion.
        follows: Whether this resource is deleted with the other.
    """

    to: str
    by: str = "id"
    missing: Error | None = None
    blocks: Error | None = None
    follows: bool = False

    def key(self, record: Record) -> Any:
        """The value by which the input refers to a resource."""
        return record.id if self.by == "id" else record.outputs.get(self.by)


@dataclass(frozen=True, config=STRICT)
class Unique:
    """A uniqueness constraint on one type.

    Attributes:
        inputs: Paths of the inputs that together must be unique; no constraint where none is set.
        error: The error of a second resource with the same values (its inputs).
    """

    inputs: tuple[str, ...]
    error: Error

    def values(self, inputs: Properties) -> list[list[Any]]:
        """The values that must be unique."""
        return [list(known_values(inputs, path)) for path in self.inputs]


def _rule(entry: Any) -> Rule:
    """A rule of the table: a function's name, or its name and further arguments."""
    name, arguments = next(iter(cast("dict[str, Any]", entry).items())) if isinstance(entry, dict) else (entry, ())
    function = globals()[name]
    if isinstance(arguments, dict):
        return partial(function, **arguments)
    return lambda value: function(value, *arguments)


@dataclass(frozen=True, config=STRICT)
class Inputs:
    """The inputs of one type.

    Attributes:
        rules: Validation of single inputs, by dotted path.
        replaces: Paths of inputs whose change forces a replacement.
        references: The inputs that refer to other resources, by dotted path.
        unique: The uniqueness constraint, or None.
    """

    rules: dict[str, Annotated[Rule, BeforeValidator(_rule)]] = field(default_factory=dict[str, Rule])
    replaces: frozenset[str] = frozenset()
    references: dict[str, Reference] = field(default_factory=dict[str, Reference])
    unique: Unique | None = None

    def references_to(self, record: Record, inputs: Properties) -> list[Reference]:
        """The references of a resource with these inputs to another one."""
        return [
            reference
            for path, reference in self.references.items()
            if record.type == reference.to and reference.key(record) in known_values(inputs, path)
        ]


@cache
def table() -> dict[str, Inputs]:
    """The inputs of all types, by Pulumi's type token."""
    types: Any = yaml.load(Path(__file__).with_suffix(".yaml").read_text(), yaml.CSafeLoader)
    return TypeAdapter(dict[str, Inputs]).validate_python(types)
