"""Judgements of single input values, in the words of AWS or of its provider."""

from __future__ import annotations

import importlib
import ipaddress
import json
import re
import threading
from typing import Any

from rehearsal import instance_types
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.kind import Rule
from rehearsal.errors import RehearsalError

ARN = re.compile(r"arn:aws(-[a-z]+)*:(?P<service>[^:]*):([a-z]{2,4}(-[a-z]+)+-\d{1,2})?:(aws|aws-managed|\d{12})?:.+")


def pattern(expression: str, code: str, message: str) -> Rule:
    """The whole text has to match; `{value}` in the message is the text."""
    compiled = re.compile(expression)

    def judge(value: Any) -> None:
        if not compiled.fullmatch(str(value)):
            raise AwsError(code, message.format(value=value))

    return judge


def one_of(*allowed: Any) -> Rule:
    """One of a few values; the words are the provider's."""

    def judge(value: Any) -> None:
        if value not in allowed:
            raise ValueError(f"expected to be one of {list(allowed)}, got {value}")

    return judge


def between(least: int, most: int) -> Rule:
    """A number in a range, both ends included; the words are the provider's."""

    def judge(value: Any) -> None:
        if not least <= int(value) <= most:
            raise ValueError(f"expected to be in the range ({least} - {most}), got {value}")

    return judge


def arn(service: str | None = None) -> Rule:
    """An ARN, of one service where it is named.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
    """

    def judge(value: Any) -> None:
        found = ARN.fullmatch(str(value))
        if not found:
            raise ValueError(f"({value}) is an invalid ARN: it has to match {ARN.pattern}")
        if service not in (None, found["service"]):
            raise ValueError(f"({value}) is an ARN of {found['service']}, and one of {service} is needed")

    return judge


def cidr(value: Any) -> None:
    """An IPv4 address range as a network address and its length; the words are the provider's."""
    try:
        network = ipaddress.IPv4Network(value, strict=False)
    except ValueError:
        raise ValueError(f'"{value}" is not a valid IPv4 CIDR block: invalid CIDR address: {value}') from None
    if str(network) != value:
        raise ValueError(f'"{value}" is not a valid IPv4 CIDR block; did you mean "{network}"?')


def sized_cidr(code: str) -> Rule:
    """The address range of a VPC or a subnet: /16 to /28.

    https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html
    https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
    """

    def judge(value: Any) -> None:
        cidr(value)
        if not LARGEST_NETWORK <= ipaddress.IPv4Network(value).prefixlen <= SMALLEST_NETWORK:
            raise AwsError(code, f"The CIDR '{value}' is invalid.")

    return judge


LARGEST_NETWORK, SMALLEST_NETWORK = 16, 28


def json_text(value: Any) -> None:
    """A text that is JSON."""
    try:
        json.loads(value)
    except ValueError as error:
        raise ValueError(f"contains an invalid JSON: {error}") from None


def readable(module: str, validator: str) -> Rule:
    """A document that AWS can read, as moto's validator knows it.

    It is asked in this process, as previews are before any account is there, and imported only then: it takes a second.
    One thread at a time: moto's modules import one another in circles, in which two threads that begin in different
    places wait for each other ("deadlock detected by _ModuleLock").
    """

    def judge(value: Any) -> None:
        with _IMPORTING:
            errors, documents = (importlib.import_module(f"moto.{name}") for name in ("core.exceptions", module))
        try:
            getattr(documents, validator)(str(value)).validate()
        except errors.ServiceException as error:
            raise AwsError(str(error.code), str(error.message)) from None

    return judge


_IMPORTING = threading.Lock()

trust_policy = readable("iam.policy_validation", "IAMTrustPolicyDocumentValidator")
"""A role's trust policy."""

policy = readable("iam.policy_validation", "IAMPolicyDocumentValidator")
"""An identity's policy."""

lifecycle_policy = readable("ecr.policy_validation", "EcrLifecyclePolicyValidator")
"""Lifecycle rules of a repository."""


def instance_type(value: Any) -> None:
    """An EC2 instance type there is."""
    try:
        instance_types.instance_type(str(value))
    except RehearsalError:
        raise AwsError(
            "InvalidParameterException", f"The following supplied instance types do not exist: [{value}]"
        ) from None


MOST_CHARACTERS_OF_A_TAG = {"key": 128, "value": 256}


def tags(value: Any) -> None:
    """Tags as AWS takes them.

    https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
    """
    for key, text in dict(value).items():
        if str(key).lower().startswith("aws:"):
            raise AwsError(
                "InvalidParameterValue", f"Tag keys starting with 'aws:' are reserved for internal use: {key}"
            )
        for part, content in (("key", key), ("value", text)):
            if len(str(content)) > MOST_CHARACTERS_OF_A_TAG[part]:
                raise AwsError(
                    "InvalidParameterValue",
                    f"Tag {part} exceeds the maximum length of {MOST_CHARACTERS_OF_A_TAG[part]} characters: {key}",
                )
