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
from functools import cache
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


def pattern(expression: str, code: str, message: str) -> Rule:
    """A regular expression for the whole value; `{value}` in the message is the value."""
    compiled = re.compile(expression)

    def validate(value: Any) -> None:
        if not compiled.fullmatch(str(value)):
            raise AwsError(code, message.replace("{value}", str(value)))

    return validate


def member(name: str, expression: str) -> Rule:
    """A regular expression for a parameter, with the message of AWS's JSON services."""
    return pattern(
        expression,
        "InvalidParameterException",
        f"1 validation error detected: Value '{{value}}' at '{name}' failed to satisfy constraint: Member must satisfy "
        f"regular expression pattern: {expression}",
    )


def iam_name(parameter: str, longest: int) -> Rule:
    """A name in IAM: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html ."""
    return pattern(
        rf"[\w+=,.@-]{{1,{longest}}}",
        "ValidationError",
        f"The specified value for {parameter} is invalid. It must contain only alphanumeric characters and/or the "
        f"following: +=,.@_- and have at most {longest} of them: {{value}}",
    )


kubernetes_version = pattern(r"1\.\d{2}", "InvalidParameterException", "unsupported Kubernetes version {value}")


def one_of(*allowed: Any) -> Rule:
    """One of several values; the message is the provider's."""

    def validate(value: Any) -> None:
        if value not in allowed:
            raise ValueError(f"expected to be one of {list(allowed)}, got {value}")

    return validate


def unsupported(remedy: str) -> Rule:
    """No value at all, since the emulator lacks the input."""

    def validate(_value: Any) -> None:
        raise ValueError(f"the aws emulator does not support this input: {remedy}")

    return validate


def between(least: int, most: int) -> Rule:
    """An integer in a range, both ends included; the message is the provider's."""

    def validate(value: Any) -> None:
        if not least <= int(value) <= most:
            raise ValueError(f"expected to be in the range ({least} - {most}), got {value}")

    return validate


def arn(service: str | None = None) -> Rule:
    """An ARN, of any service or of one.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
    """

    def validate(value: Any) -> None:
        match = ARN.fullmatch(str(value))
        if not match:
            raise ValueError(f"({value}) is an invalid ARN: it has to match {ARN.pattern}")
        if service not in (None, match["service"]):
            raise ValueError(f"({value}) is an ARN of {match['service']}, not of {service}")

    return validate


def cidr(value: Any) -> None:
    """An IPv4 CIDR block without host bits; the message is the provider's."""
    try:
        network = ipaddress.IPv4Network(value, strict=False)
    except ValueError:
        raise ValueError(f'"{value}" is not a valid IPv4 CIDR block: invalid CIDR address: {value}') from None
    if str(network) != value:
        raise ValueError(f'"{value}" is not a valid IPv4 CIDR block; did you mean "{network}"?')


def sized_cidr(code: str) -> Rule:
    """The CIDR block of a VPC or subnet: /16 to /28.

    https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html
    https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
    """

    def validate(value: Any) -> None:
        cidr(value)
        if not LARGEST_NETWORK <= ipaddress.IPv4Network(value).prefixlen <= SMALLEST_NETWORK:
            raise AwsError(code, f"The CIDR '{value}' is invalid.")

    return validate


def json_text(value: Any) -> None:
    """A JSON document."""
    try:
        json.loads(value)
    except ValueError as error:
        raise ValueError(f"contains an invalid JSON: {error}") from None


def _policy_document(module: str, validator: str) -> Rule:
    """A policy document that passes moto's validator.

    The validator runs in this process, since a preview may run before the account exists. Its import takes a second,
    hence on first use; and under a lock, since concurrent imports of moto's circular modules deadlock ("deadlock
    detected by _ModuleLock").
    """

    def validate(value: Any) -> None:
        with _IMPORTING:
            errors, documents = (importlib.import_module(f"moto.{name}") for name in ("core.exceptions", module))
        try:
            getattr(documents, validator)(str(value)).validate()
        except errors.ServiceException as error:
            raise AwsError(str(error.code), str(error.message)) from None

    return validate


_IMPORTING = threading.Lock()

trust_policy = _policy_document("iam.policy_validation", "IAMTrustPolicyDocumentValidator")
policy = _policy_document("iam.policy_validation", "IAMPolicyDocumentValidator")
lifecycle_policy = _policy_document("ecr.policy_validation", "EcrLifecyclePolicyValidator")


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
    if isinstance(entry, str):
        return globals()[entry]
    ((name, arguments),) = cast("dict[str, Any]", entry).items()
    function = globals()[name]
    return function(**arguments) if isinstance(arguments, dict) else function(*arguments)


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
    types: Any = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())
    return TypeAdapter(dict[str, Inputs]).validate_python(types)
