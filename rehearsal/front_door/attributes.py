"""Supported fields and attributes of load balancers, listeners and target groups; others are refused.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ListenerAttribute.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from rehearsal.front_door.conditions import refuse
from rehearsal.front_door.elbv2 import Described

_ANY = "[ -~]*"
_SWITCH = "true|false"
_CODES = "[2-4][0-9]{2}(-[2-4][0-9]{2})?"

LOAD_BALANCER: Mapping[str, str] = {
    "Type": "application",
    "Scheme": "internet-facing",
    "access_logs.s3.bucket": _ANY,
    "access_logs.s3.enabled": _SWITCH,
    "access_logs.s3.prefix": _ANY,
    "deletion_protection.enabled": _SWITCH,
    "idle_timeout.timeout_seconds": "[1-9][0-9]{0,3}",
    "load_balancing.cross_zone.enabled": _SWITCH,  # always true on an ALB; moto has false
    "routing.http.drop_invalid_header_fields.enabled": _SWITCH,
}
"""Regular expressions of the supported values, by name: what the controller and moto make of this project's Ingresses.

Names without dots are fields of the described object, the others its attributes.
"""

LISTENER: Mapping[str, str] = {"tcp.idle_timeout.seconds": "350"}  # moto adds it; on AWS only an NLB's listener has it
"""As `LOAD_BALANCER`."""

TARGET_GROUP: Mapping[str, str] = {
    "TargetType": "instance",
    "Protocol": "HTTPS?",
    "ProtocolVersion": "HTTP1",
    "HealthCheckEnabled": "True",
    "HealthCheckProtocol": "HTTPS?",
    "HealthCheckPort": "traffic-port",
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Matcher.html
    "HttpCode": f"{_CODES}(,{_CODES})*",
    "deregistration_delay.timeout_seconds": "[0-9]{1,4}",
    "load_balancing.algorithm.type": "round_robin",
    "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
    "slow_start.duration_seconds": "0",
    "stickiness.enabled": "false",
    "stickiness.type": _ANY,
    "waf.fail_open.enabled": _SWITCH,  # moto adds it; on AWS a load balancer has it
}
"""As `LOAD_BALANCER`."""


def check(described: Described, table: Mapping[str, str], *, on: str) -> Mapping[str, str]:
    """The attributes of a described object, after a check against a table.

    Raises:
        RehearsalError: An attribute is not in the table, or a field or attribute has an unsupported value.
    """
    attributes: Mapping[str, str] = described["Attributes"]
    flat = {**described, **described.get("Matcher", {})}
    for name, value in {**attributes, **{key: flat.get(key) for key in table if key.isalpha()}}.items():
        if name not in table:
            refuse(on, f"attribute {name}: nobody knows here what a load balancer makes of it")
        if not re.fullmatch(table[name], str(value)):
            refuse(on, f"{name} {value}: only {table[name]} is understood here")
    return attributes
