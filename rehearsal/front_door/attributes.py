"""What load balancers, listeners and target groups may have here, and their attributes; what is not listed is refused.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ListenerAttribute.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from rehearsal.front_door.conditions import refuse
from rehearsal.front_door.elbv2 import Described

_ANY = r"[ -~]*"
_SWITCH = "true|false"

_CODES = "[2-4][0-9]{2}(-[2-4][0-9]{2})?"

LOAD_BALANCER: Mapping[str, str] = {
    "Type": "application",
    "Scheme": "internet-facing",
    r"(access|connection|health_check)_logs\.s3\.(bucket|enabled|prefix)": _ANY,
    r"client_keep_alive\.seconds": "3600",
    r"deletion_protection\.enabled": _SWITCH,
    r"idle_timeout\.timeout_seconds": "[1-9][0-9]{0,3}",
    r"ipv6\.deny_all_igw_traffic": "false",
    r"load_balancing\.cross_zone\.enabled": _SWITCH,  # always on for this kind; moto says that it is not
    r"routing\.http\.desync_mitigation_mode": "defensive",
    r"routing\.http\.(drop_invalid_header_fields|preserve_host_header)\.enabled": _SWITCH,
    r"routing\.http\.(x_amzn_tls_version_and_cipher_suite|xff_client_port)\.enabled": "false",
    r"routing\.http\.xff_header_processing\.mode": "append",
    r"(routing\.http2|waf\.fail_open|zonal_shift\.config)\.enabled": _SWITCH,
}
"""Regular expressions of names, and of values that have no other meaning than the one that they are given here.

Names of letters only are what the object is, the others its attributes.
"""

LISTENER: Mapping[str, str] = {
    r"routing\.http\.response\.server\.enabled": _SWITCH,
    r"tcp\.idle_timeout\.seconds": "350",  # moto's: a Network Load Balancer has it
}
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
    r"deregistration_delay\.timeout_seconds": "[0-9]{1,4}",
    r"load_balancing\.algorithm\.anomaly_mitigation": "off",
    r"load_balancing\.algorithm\.type": "round_robin",
    r"load_balancing\.cross_zone\.enabled": "use_load_balancer_configuration|true",
    r"slow_start\.duration_seconds": "0",
    r"stickiness\.enabled": "false",
    r"stickiness\.(type|(lb|app)_cookie\..*)": _ANY,
    r"target_group_health\..*\.minimum_healthy_targets\.count": "1",
    r"target_group_health\..*\.minimum_healthy_targets\.percentage": "off",
    r"waf\.fail_open\.enabled": _SWITCH,  # moto's: a load balancer has it
}
"""As `LOAD_BALANCER`."""


def check(described: Described, table: Mapping[str, str], *, on: str) -> Mapping[str, str]:
    """The attributes of an object as the API gives it, if all that it is and has is known.

    Raises:
        RehearsalError: Something is not in the table, or has another value.
    """
    attributes: Mapping[str, str] = described["Attributes"]
    flat = {**described, **described.get("Matcher", {})}
    for name, value in {**attributes, **{key: flat.get(key) for key in table if key.isalpha()}}.items():
        forms = [form for known, form in table.items() if re.fullmatch(known, name)]
        if not forms:
            refuse(on, f"attribute {name}: nobody knows here what a load balancer makes of it")
        if not re.fullmatch(forms[0], str(value)):
            refuse(on, f"{name} {value}: only {forms[0]} is understood here")
    return attributes
