"""The types of single values, with their validators."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from config.instance_types import instance_types, nearest

SERVICE_NAME_LIMIT = 40
"""Maximum length of a service's name: its longest derived name, a pod's `NAME-green-<hash>-<hash>`, fits in 63."""


_DNS_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"


@dataclass(frozen=True)
class Check:
    """A validator of a text, for pydantic.

    Attributes:
        words: What is allowed, for messages and for the documentation.
        hint: Returns None for a valid text; for an invalid one the end of the message, which may be empty.
    """

    words: str
    hint: Callable[[str], str | None]

    def __call__(self, value: str) -> str:
        """Returns the text unchanged, or raises pydantic's error."""
        hint = self.hint(value)
        if hint is not None:
            raise PydanticCustomError("value", "{allowed}", {"allowed": self.words + hint})
        return value


def _check(pattern: str, words: str, flags: re.RegexFlag = re.ASCII) -> AfterValidator:
    return AfterValidator(Check(words, lambda value: None if re.fullmatch(pattern, value, flags) else ""))


def _network_hint(value: str) -> str | None:
    try:
        normal_form = str(ipaddress.IPv4Network(value))
    except ValueError as error:
        return f" ({error})"
    return None if value == normal_form else ""


def _role_hint(value: str) -> str | None:
    """EKS takes the ARN with its path, of a role that exists.

    https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html
    """
    if not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", value, re.ASCII):
        return ""
    if ":role/AWSReservedSSO_" in value:
        return " with its path: IAM Identity Center's is role/aws-reserved/sso.amazonaws.com/…, see `aws iam get-role`"
    return None


def _domain_hint(value: str) -> str | None:
    """A top-level domain is not a number, and may be an internationalised one, such as xn--p1ai.

    https://www.rfc-editor.org/rfc/rfc3696#section-2
    """
    if re.fullmatch(rf"({_DNS_LABEL}\.)+(?!\d+$){_DNS_LABEL}", value, re.ASCII) and len(value.rpartition(".")[2]) > 1:
        return None
    try:
        ascii_form = value.encode("idna").decode()
    except UnicodeError:
        return ""
    return "" if value.isascii() else f"; in DNS it is {ascii_form}"


def _instance_type_hint(value: str) -> str | None:
    if value in instance_types():
        return None
    suggestion = nearest(value, "amd64")
    return f"; did you mean {suggestion}?" if suggestion else ""


def _day_hint(value: str) -> str | None:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return ""
    return None if value == day.isoformat() else ""


def _each_once(values: list[Hashable]) -> list[Hashable]:
    if len(set(values)) < len(values):
        twice = dict.fromkeys(str(value) for value in values if values.count(value) > 1)
        raise PydanticCustomError("twice", "each once", {"twice": ", ".join(twice)})
    return values


EachOnce = AfterValidator(_each_once)
"""A validator of lists without duplicates."""

Domain: TypeAlias = Annotated[
    str,
    Field(max_length=253),
    AfterValidator(Check("a domain name in lower case such as hello.example.com, without https://", _domain_hint)),
]
Cidr: TypeAlias = Annotated[str, AfterValidator(Check("an IPv4 range such as 10.0.0.0/16", _network_hint))]
Region: TypeAlias = Annotated[str, _check(r"[a-z]{2}(-[a-z]+)+-\d", "an AWS region such as ap-northeast-2")]
TimeOfDay: TypeAlias = Annotated[str, _check(r"([01]\d|2[0-3]):[0-5]\d", "a time of day such as 08:00")]
TimeZone: TypeAlias = Annotated[
    str, _check(r"[A-Z][A-Za-z_]+(/[A-Za-z0-9_+-]+){1,2}", "a time zone of IANA such as Asia/Seoul or Etc/UTC")
]
ZONE_LETTERS = "abcdefg"
"""Last letters of availability zones, from which their subnets' ranges follow; AWS has no region with more.

https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html
"""

Zone: TypeAlias = Annotated[
    str, _check(rf"[a-z]{{2}}(-[a-z]+)+-\d[{ZONE_LETTERS}]", "an availability zone such as ap-northeast-2a")
]
AccountId: TypeAlias = Annotated[
    str, _check(r"\d{12}", "an AWS account's twelve digits, in quotes: YAML drops a leading zero")
]
RoleArn: TypeAlias = Annotated[
    str, AfterValidator(Check("an IAM role's ARN, arn:aws:iam::ACCOUNT:role/NAME", _role_hint))
]
PolicyArn: TypeAlias = Annotated[
    str,
    _check(
        r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/[\w+=,.@/-]+", "an IAM policy's ARN, arn:aws:iam::ACCOUNT:policy/NAME"
    ),
]
CertificateArn: TypeAlias = Annotated[
    str,
    _check(
        r"arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[\w-]+",
        "a certificate's ARN in ACM, arn:aws:acm:REGION:ACCOUNT:certificate/ID",
    ),
]
WebAclArn: TypeAlias = Annotated[
    str,
    _check(
        r"arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:regional/webacl/[\w-]+/[\w-]+",
        "a regional web ACL's ARN in WAF, arn:aws:wafv2:REGION:ACCOUNT:regional/webacl/NAME/ID",
    ),
]
ZoneId: TypeAlias = Annotated[
    # https://docs.aws.amazon.com/Route53/latest/APIReference/API_HostedZone.html
    str, _check(r"Z[A-Z0-9]{1,31}", "the id of a hosted zone in Route 53, such as Z0123456789ABCDEFGHIJ")
]
OidcProviderArn: TypeAlias = Annotated[
    str,
    _check(
        r"arn:aws[a-z-]*:iam::\d{12}:oidc-provider/[\w.-]+(/[\w./-]+)?",
        "an IAM OIDC provider's ARN, arn:aws:iam::ACCOUNT:oidc-provider/token.actions.githubusercontent.com",
    ),
]
KeyArn: TypeAlias = Annotated[
    str,
    _check(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[\w-]+", "a KMS key's ARN, arn:aws:kms:REGION:ACCOUNT:key/ID"),
]
DockerHubSecretArn: TypeAlias = Annotated[
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-creating-secret.html
    str,
    _check(
        r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:ecr-pullthroughcache/[\w/+=.@-]+",
        "a secret's ARN, arn:aws:secretsmanager:REGION:ACCOUNT:secret:ecr-pullthroughcache/NAME",
    ),
]
BucketName: TypeAlias = Annotated[
    str, _check(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "an S3 bucket's name, such as hello-pulumi-state")
]
# Since July 2026 new repositories have their numbers in it: docs/previews.md.
GitHubRepository: TypeAlias = Annotated[
    str,
    _check(
        r"[A-Za-z0-9-]{1,39}(@\d+/[\w.-]{1,100}@\d+|/[\w.-]{1,100})",
        "OWNER/NAME, or OWNER@NUMBER/NAME@NUMBER for a repository whose subject has numbers",
    ),
]
GitHubEnvironment: TypeAlias = Annotated[
    str, Field(max_length=255), _check(r"[\w.-]+", "the name of an environment, such as preview-dev")
]
Email: TypeAlias = Annotated[
    str,
    Field(max_length=254),
    _check(r"[\w.%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", "an email address such as a@example.com"),
]
TagValue: TypeAlias = Annotated[
    str,
    Field(max_length=256),
    # A tag takes letters of any script: https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
    # The load balancer controller's chart writes it into YAML without quotes, where ": " begins a mapping.
    _check(
        r"(?!.*: )[\w .:/=+@-]*[\w:/=+@-][\w .:/=+@-]*",
        "letters, digits, spaces and . : / = + - @ _, no space after a colon",
        re.UNICODE,
    ),
]
InstanceType: TypeAlias = Annotated[
    str,
    AfterValidator(Check("an EC2 instance type that runs Linux, such as m7i.large or m7g.large", _instance_type_hint)),
]
Cpu: TypeAlias = Annotated[
    str,
    _check(r"[1-9]\d{0,6}m?|(?=.*[1-9])\d{1,4}\.\d{1,3}", "CPU cores such as 250m, 0.5 or 2; a plain number in quotes"),
]
Memory: TypeAlias = Annotated[str, _check(r"[1-9]\d{0,6}([MGT]i|[MG])", "memory such as 512Mi or 2Gi")]
HttpPath: TypeAlias = Annotated[
    str, Field(max_length=128), _check(r"/|(/[\w.~-]+)+/?", "a path that begins with a slash, such as /health")
]
PublicPath: TypeAlias = Annotated[
    str,
    Field(max_length=128),
    _check(r"/|(/[\w.~-]+)+", "a path that begins with a slash and ends with none, such as /api"),
]
VariableName: TypeAlias = Annotated[
    str, Field(max_length=200), _check(r"[A-Za-z_][A-Za-z0-9_]*", "a name of an environment variable, such as API_KEY")
]
ServiceName: TypeAlias = Annotated[
    str,
    Field(max_length=SERVICE_NAME_LIMIT),
    # A Service's name begins with a letter, and a repository's has no two hyphens in a row:
    # https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
    _check(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", "lower-case letters and digits, a letter first, single hyphens between"),
]
PersonName: TypeAlias = Annotated[
    str,
    Field(max_length=SERVICE_NAME_LIMIT),
    # Part of a Secret's name, and of a secret's in the configuration.
    _check(
        r"[a-z][a-z0-9]*(-[a-z0-9]+)*",
        "a name such as ada-lovelace: lower-case letters and digits, a letter first, single hyphens between",
    ),
]
ChartSource: TypeAlias = Annotated[
    str,
    Field(max_length=200),
    _check(
        r"oci://[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)+|/?[\w.+@-]+([ /][\w.+@-]+)*",
        "a folder, such as charts, or an OCI registry, such as oci://registry.example.com/charts; no slash at its end",
        re.UNICODE,
    ),
]
Port: TypeAlias = Annotated[int, Field(ge=1, le=65535)]
NamespaceName: TypeAlias = Annotated[
    str, _check(_DNS_LABEL, "a namespace: lower-case letters, digits and hyphens, such as monitoring")
]
MetricName: TypeAlias = Annotated[
    str, _check(r"[A-Za-z][\w -]{0,39}", "a name of at most 40 letters, digits, spaces and hyphens, such as p95")
]
HttpUrl: TypeAlias = Annotated[
    str,
    Field(max_length=300),
    _check(
        r"https?://[\w.-]+(:\d+)?(/[\w.~-]+)*", "an http:// or https:// address without a login and without a query"
    ),
]
DirectoryPath: TypeAlias = Annotated[
    str,
    Field(max_length=200),
    _check(
        r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._-]+)+",
        "an absolute path of a directory, such as /tmp, without . or .. and without a slash at its end",
    ),
]
RelativePath: TypeAlias = Annotated[
    str,
    Field(max_length=200),
    # No characters that the shell, Git's pathspecs or Groovy read.
    _check(
        r"\.|(?!\.{1,2}(/|$))[\w.-]+(/(?!\.{1,2}(/|$))[\w.-]+)*",
        "a path in the repository, such as services/api, without . or .. in it, or . for the repository itself",
    ),
]
SourceUrl: TypeAlias = Annotated[
    str,
    Field(max_length=300),
    _check(r"https://[\w.-]+(:\d+)?(/[\w.~-]+)+", "a Git repository's https:// address, without a login in it"),
]
BranchName: TypeAlias = Annotated[str, Field(max_length=200), _check(r"[\w.-]+(/[\w.-]+)*", "a branch, such as main")]
ImageDigest: TypeAlias = Annotated[str, _check(r"sha256:[0-9a-f]{64}", "an image's digest, sha256:…")]
ImageReference: TypeAlias = Annotated[
    str,
    Field(max_length=300),
    _check(
        r"[\w.-]+(:\d+)?(/[\w.-]+)+(:[\w.-]+)?(@sha256:[0-9a-f]{64})?(?<![:/])",
        "an image with its registry, such as docker.io/library/alpine:3.23",
    ),
]
PinnedImage: TypeAlias = Annotated[
    str,
    Field(max_length=300),
    _check(
        r"[\w.-]+(:\d+)?(/[\w.-]+)+@sha256:[0-9a-f]{64}",
        "an image by digest with its registry, such as registry.example.com/hello/agent@sha256:…",
    ),
]
GroupName: TypeAlias = Annotated[
    str,
    Field(max_length=200),
    # A comma separates groups, ${ begins a reference.
    _check(r"[\w.@:*/+-]+( [\w.@:*/+-]+)*", "a group's name, without a comma; on GitHub OWNER*TEAM", re.UNICODE),
]
ClaimName: TypeAlias = Annotated[str, Field(max_length=100), _check(r"[\w.:/-]+", "a claim's name, such as groups")]
ClientId: TypeAlias = Annotated[str, Field(max_length=200), _check(r"[\w.:/@-]+", "a client id")]
FindingName: TypeAlias = Annotated[
    str,
    Field(max_length=100),
    _check(r"[A-Z][A-Z0-9]*-[\w:.-]+", "a finding's name as ECR gives it, such as CVE-2026-12345"),
]
Day: TypeAlias = Annotated[str, AfterValidator(Check("a day such as 2027-03-31, in quotes", _day_hint))]
HeaderName: TypeAlias = Annotated[
    str, _check(r"(?i:(?!host$)[a-z][a-z0-9-]{0,39})", "a header of letters, digits and hyphens, 1 to 40, not Host")
]
"""Other characters are dropped with `loadBalancer.dropInvalidHeaders`; the host has a condition of its own."""
HeaderValue: TypeAlias = Annotated[
    str,
    Field(max_length=128),
    _check(
        r"(?!(.*[*?]){5})[*?]*[\w.=~-][\w.=~*?-]*",
        "letters, digits and . = ~ _ - with at most four wildcards * or ?, and not only those",
    ),
]
"""A rule of the load balancer has five wildcards, one of them in the path.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html#http-header-conditions
"""
HookUrl: TypeAlias = Annotated[str, Field(max_length=500), _check(r"https://[^\s\"'$]+", "an https:// address")]
