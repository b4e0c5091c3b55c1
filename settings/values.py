"""What a single value may be."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

SERVICE_NAME_LIMIT = 40
"""Characters. The longest name made of a service's, `NAME-green-<hash>-<hash>` of a pod, stays below 63."""


def _check(pattern: str, allowed: str) -> AfterValidator:
    def matches(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise PydanticCustomError("pattern", "{allowed}", {"allowed": allowed})
        return value

    return AfterValidator(matches)


def _network(value: str) -> str:
    try:
        ipaddress.IPv4Network(value)
    except ValueError as error:
        raise PydanticCustomError("cidr", "an IPv4 range such as 10.0.0.0/16 ({why})", {"why": str(error)}) from None
    return value


_DNS_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"

Domain: TypeAlias = Annotated[
    str,
    Field(max_length=240),
    _check(
        rf"({_DNS_LABEL}\.)+[a-z]{{2,63}}", "a domain name in lower case such as hello.example.com, without https://"
    ),
]
Cidr: TypeAlias = Annotated[str, AfterValidator(_network)]
Region: TypeAlias = Annotated[str, _check(r"[a-z]{2}(-[a-z]+)+-\d", "an AWS region such as ap-northeast-2")]
Zone: TypeAlias = Annotated[str, _check(r"[a-z]{2}(-[a-z]+)+-\d[a-z]", "an availability zone such as ap-northeast-2a")]
RoleArn: TypeAlias = Annotated[
    str, _check(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", "an IAM role's ARN, arn:aws:iam::ACCOUNT:role/NAME")
]
InstanceType: TypeAlias = Annotated[
    str, _check(r"[a-z][a-z0-9-]*\.[a-z0-9-]+", "an EC2 instance type such as m7i.large")
]
Quantity: TypeAlias = Annotated[
    str,
    _check(r"\d+(\.\d+)?(m|[KMGT]i?)?", "a quantity such as 250m, 2 or 512Mi; a plain number in quotes"),
]
HttpPath: TypeAlias = Annotated[str, _check(r"/[\w./~-]*", "a path that begins with a slash, such as /health")]
VariableName: TypeAlias = Annotated[
    str, _check(r"[A-Za-z_][A-Za-z0-9_]*", "a name of an environment variable, such as API_KEY")
]
ServiceName: TypeAlias = Annotated[
    str,
    Field(max_length=SERVICE_NAME_LIMIT),
    # A Service's name begins with a letter, and a repository's has no two hyphens in a row:
    # https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
    _check(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", "lower-case letters and digits, a letter first, single hyphens between"),
]
AccountId: TypeAlias = Annotated[str, _check(r"\d{12}", "an AWS account's twelve digits, in quotes")]
PolicyArn: TypeAlias = Annotated[
    str,
    _check(r"arn:aws[a-z-]*:iam::\d{12}:policy/[\w+=,.@/-]+", "an IAM policy's ARN, arn:aws:iam::ACCOUNT:policy/NAME"),
]
TagValue: TypeAlias = Annotated[
    str, Field(max_length=256), _check(r"[\w .:/=+@-]+", "letters, digits, spaces and . : / = + - @ _, at least one")
]
DirectoryPath: TypeAlias = Annotated[
    str, _check(r"(/[A-Za-z0-9._-]+)+", "an absolute path of a directory, such as /tmp, without a slash at its end")
]
