"""Judgements of single input values, in the words of AWS or of its provider."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Any

from rehearsal import instance_types
from rehearsal.errors import RehearsalError
from rehearsal.stand_ins.aws import moto_answers
from rehearsal.stand_ins.aws.errors import AwsError
from rehearsal.stand_ins.aws.kind import Rule

ARN_PARTS = 6


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
        parts = str(value).split(":", ARN_PARTS - 1)
        if parts[0] != "arn":
            raise ValueError(f"({value}) is an invalid ARN: arn: invalid prefix")
        if len(parts) < ARN_PARTS or not parts[-1]:
            raise ValueError(f"({value}) is an invalid ARN: arn: not enough sections")
        _, partition, its_service, region, account, _ = parts
        if not re.fullmatch(r"aws(-[a-z]+)*", partition):
            raise ValueError(
                f"({value}) is an invalid ARN: invalid partition value (expecting to match regular "
                f"expression: ^aws(-[a-z]+)*$)"
            )
        if region and not re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}", region):
            raise ValueError(f"({value}) is an invalid ARN: invalid region value")
        if account and not re.fullmatch(r"(aws|aws-managed|\d{12})", account):
            raise ValueError(
                f"({value}) is an invalid ARN: invalid account ID value (expecting to match regular "
                f"expression: ^(aws|aws-managed|\\d{{12}})$)"
            )
        if service is not None and its_service != service:
            raise ValueError(f"({value}) is an ARN of {its_service}, and one of {service} is needed")

    return judge


def cidr(value: Any) -> None:
    """An IPv4 address range as a network address and its length; the words are the provider's."""
    try:
        network = ipaddress.IPv4Network(value, strict=False)
    except ValueError:
        raise ValueError(f'"{value}" is not a valid IPv4 CIDR block: invalid CIDR address: {value}') from None
    if str(network) != value:
        raise ValueError(f'"{value}" is not a valid IPv4 CIDR block; did you mean "{network}"?')


def vpc_cidr(value: Any) -> None:
    """A VPC's address range: /16 to /28.

    https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html
    """
    cidr(value)
    if not LARGEST_NETWORK <= ipaddress.IPv4Network(value).prefixlen <= SMALLEST_NETWORK:
        raise AwsError("InvalidVpc.Range", f"The CIDR '{value}' is invalid.")


SMALLEST_NETWORK = 28
LARGEST_NETWORK = 16


def subnet_cidr(value: Any) -> None:
    """A subnet's address range: /16 to /28.

    https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
    """
    cidr(value)
    if not LARGEST_NETWORK <= ipaddress.IPv4Network(value).prefixlen <= SMALLEST_NETWORK:
        raise AwsError("InvalidSubnet.Range", f"The CIDR '{value}' is invalid.")


def json_text(value: Any) -> None:
    """A text that is JSON."""
    try:
        json.loads(value)
    except ValueError as error:
        raise ValueError(f"contains an invalid JSON: {error}") from None


def trust_policy(value: Any) -> None:
    """A role's trust policy."""
    moto_answers.judge_trust_policy(str(value))


def policy(value: Any) -> None:
    """An identity's policy."""
    moto_answers.judge_policy(str(value))


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
