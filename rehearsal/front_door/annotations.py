"""The annotations of Ingresses and their Services that we use, each with its form; any other is refused.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from annotated_types import Len
from pydantic import BaseModel, Field, IPvAnyNetwork, TypeAdapter, ValidationError

from rehearsal.errors import RehearsalError

PREFIX = "alb.ingress.kubernetes.io/"


def string_map(text: str) -> dict[str, str]:
    """The controller's `stringMap`: `k1=v1,k2=v2`, spaces around a pair do not count.

    Raises:
        ValueError: A pair has no `=`.
    """
    pairs = [pair.strip() for pair in text.split(",") if pair.strip()]
    split = [pair.partition("=") for pair in pairs]
    if any(not equals for _, equals, _ in split):
        raise ValueError(text)
    return {key: value for key, _, value in split}


def string_list(text: str) -> list[str]:
    """The controller's `stringList`: `s1,s2`."""
    return [item.strip() for item in text.split(",") if item.strip()]


def _one_of(*values: str) -> Callable[[str], bool]:
    return lambda text: text in values


def _whole(low: int, high: int) -> Callable[[str], bool]:
    return lambda text: text.isascii() and text.isdecimal() and low <= int(text) <= high


def _path(text: str) -> bool:
    return re.fullmatch(r"/[\w./~%&=+:@,;!?-]{0,1023}", text, re.ASCII) is not None


def _codes(text: str) -> bool:
    """Single codes or a range, between 200 and 499."""
    return re.fullmatch(r"[2-4]\d\d(-[2-4]\d\d)?(,[2-4]\d\d(-[2-4]\d\d)?)*", text) is not None


def _labels(text: str) -> bool:
    try:
        return bool(string_map(text))
    except ValueError:
        return False


_PORTS = TypeAdapter(Annotated[list[dict[Literal["HTTP", "HTTPS"], Annotated[int, Field(ge=1, le=65535)]]], Len(1)])


def _ports(text: str) -> bool:
    try:
        return all(len(one) == 1 for one in _PORTS.validate_json(text, strict=True))
    except ValidationError:
        return False


class _Addresses(BaseModel, extra="forbid"):
    values: Annotated[list[IPvAnyNetwork], Len(1, 3)]


class _Sources(BaseModel, extra="forbid"):
    field: Literal["source-ip"]
    addresses: Annotated[_Addresses, Field(alias="sourceIpConfig")]


_CONDITIONS = TypeAdapter(Annotated[list[_Sources], Len(1, 1)])


def sources(text: str) -> list[str]:
    """The ranges of a condition on who asks; none where the text has not that form."""
    try:
        return [str(one) for one in _CONDITIONS.validate_json(text)[0].addresses.values]
    except ValidationError:
        return []


_TARGET_GROUP = {
    "deregistration_delay.timeout_seconds": _whole(0, 3600),
    "load_balancing.algorithm.type": _one_of("round_robin"),
}


def _target_group(text: str) -> bool:
    try:
        attributes = string_map(text)
    except ValueError:
        return False
    return all(key in _TARGET_GROUP and _TARGET_GROUP[key](value) for key, value in attributes.items())


TABLE: Mapping[str, tuple[str, Callable[[str], bool]]] = {
    "target-type": ("`instance`: the targets are nodes", _one_of("instance")),
    "target-node-labels": ("`label1=value1,label2=value2`: the nodes that are targets", _labels),
    "target-group-attributes": (
        "`key=value,…`: `deregistration_delay.timeout_seconds` 0-3600, `load_balancing.algorithm.type` round_robin",
        _target_group,
    ),
    "backend-protocol": ("`HTTP` or `HTTPS`", _one_of("HTTP", "HTTPS")),
    "healthcheck-path": ("a path with its slash", _path),
    "healthcheck-protocol": ("`HTTP` or `HTTPS`", _one_of("HTTP", "HTTPS")),
    "healthcheck-port": ("`traffic-port`", _one_of("traffic-port")),
    "healthcheck-interval-seconds": ("5-300", _whole(5, 300)),
    "healthcheck-timeout-seconds": ("2-120", _whole(2, 120)),
    "healthy-threshold-count": ("2-10", _whole(2, 10)),
    "unhealthy-threshold-count": ("2-10", _whole(2, 10)),
    "success-codes": ("`200`, `200,201` or `200-299`, within 200-499", _codes),
    "listen-ports": ('JSON: `[{"HTTP": 80}, {"HTTPS": 443}]`', _ports),
    "conditions.SERVICE": (
        'JSON: `[{"field": "source-ip", "sourceIpConfig": {"values": [RANGE]}}]`, 1-3 ranges, on the Ingress',
        lambda text: bool(sources(text)),
    ),
    "ssl-redirect": ("a port that is listened on", _whole(1, 65535)),
}
"""Name without the prefix: its form in words, and whether a text has that form.

Ranges: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
"""


def used(annotations: Mapping[str, str] | None, *, on: str) -> dict[str, str]:
    """The load balancer's annotations of an object, without their prefix.

    Args:
        annotations: All of the object's.
        on: The object, for a message: `Ingress dev/dev`.

    Raises:
        RehearsalError: One is not in the table, or has not its form.
    """
    found = {key.removeprefix(PREFIX): text for key, text in (annotations or {}).items() if key.startswith(PREFIX)}
    for name, text in found.items():
        kind = "conditions.SERVICE" if name.startswith("conditions.") else name
        if kind not in TABLE:
            raise RehearsalError(
                f"{on}: annotation {PREFIX}{name}: nobody knows here what a load balancer makes of it.",
                remedy="leave it out; or teach the front door, rehearsal/front_door/, what it means.",
            )
        form, has_form = TABLE[kind]
        if not has_form(text):
            raise RehearsalError(
                f"{on}: annotation {PREFIX}{name}: {text!r} has not its form: {form}.", remedy="write it in its form."
            )
    return found
