"""Load balancers and their targets, as the ELBv2 and EC2 APIs describe them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import yaml

from rehearsal.errors import RehearsalError

Described: TypeAlias = Mapping[str, Any]
"""An object in a response of the API: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/ ."""

_SUPPORTED: Mapping[str, Mapping[str, str]] = yaml.safe_load(Path(__file__).with_name("supported.yaml").read_text())
LOAD_BALANCER, LISTENER, TARGET_GROUP = (_SUPPORTED[kind] for kind in ("LoadBalancer", "Listener", "TargetGroup"))
"""Regular expressions of the supported values, by name."""

DNS_FAILOVER = {"target_group_health.dns_failover.minimum_healthy_targets.count": "1"}
"""Default of an attribute that moto lacks.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html
"""


@dataclass(frozen=True, kw_only=True)
class State:
    """Everything that routing depends on.

    Attributes:
        load_balancers: With the mapping `Attributes`, and `Listeners`, which have `Attributes` and `Rules`.
        target_groups: With the mapping `Attributes`, and `Targets`, the response of DescribeTargetHealth.
        security_groups: The load balancers' and the instances'.
        instances: The targets of type `instance`.
        interfaces: Network interfaces, if there are targets of type `ip`.
    """

    load_balancers: Sequence[Described] = ()
    target_groups: Sequence[Described] = ()
    security_groups: Sequence[Described] = ()
    instances: Sequence[Described] = ()
    interfaces: Sequence[Described] = ()


def read(elbv2: Any, ec2: Any) -> State:
    """The state of a region, by boto3 clients of ELBv2 and EC2.

    Raises:
        ClientError: An object was deleted between two calls: read again.
    """
    balancers = [_load_balancer(elbv2, one) for one in _pages(elbv2, "describe_load_balancers", "LoadBalancers")]
    groups = [_target_group(elbv2, one) for one in _pages(elbv2, "describe_target_groups", "TargetGroups")]
    targets = (target["Target"] for one in groups for target in one["Targets"])
    # A filter, as a deleted instance's id in `InstanceIds` is an error.
    wanted = sorted({str(target["Id"]) for target in targets})
    by_id = [{"Name": "instance-id", "Values": wanted}]
    reservations = _pages(ec2, "describe_instances", "Reservations", Filters=by_id) if wanted else ()
    instances = [instance for one in reservations for instance in one["Instances"]]
    by_address = any(one["TargetType"] == "ip" for one in groups)
    interfaces = _pages(ec2, "describe_network_interfaces", "NetworkInterfaces") if by_address else ()
    guards = {str(name) for one in balancers for name in one.get("SecurityGroups") or ()}
    guards |= {name for one in instances for name in guards_of(one)}
    guards |= {str(group["GroupId"]) for one in interfaces for group in one["Groups"]}
    by_name = [{"Name": "group-id", "Values": sorted(guards)}]
    return State(
        load_balancers=balancers,
        target_groups=groups,
        security_groups=_pages(ec2, "describe_security_groups", "SecurityGroups", Filters=by_name) if guards else (),
        instances=instances,
        interfaces=interfaces,
    )


def guards_of(instance: Described) -> set[str]:
    """Ids of the security groups of an instance's primary network interface."""
    return {
        str(group["GroupId"])
        for interface in instance.get("NetworkInterfaces") or ()
        if interface.get("PrivateIpAddress") == instance.get("PrivateIpAddress")
        for group in interface["Groups"]
    }


def guards_of_address(state: State, address: str) -> set[str]:
    """Ids of the security groups of the interface with an address: a pod has a secondary one of its node's."""
    return {
        str(group["GroupId"])
        for interface in state.interfaces
        if any(one["PrivateIpAddress"] == address for one in interface["PrivateIpAddresses"])
        for group in interface["Groups"]
    }


def _load_balancer(elbv2: Any, one: Described) -> Described:
    arn = one["LoadBalancerArn"]
    return {
        **one,
        "Attributes": _mapping(elbv2.describe_load_balancer_attributes(LoadBalancerArn=arn)),
        "Listeners": [
            {
                **listener,
                "Attributes": _mapping(elbv2.describe_listener_attributes(ListenerArn=listener["ListenerArn"])),
                "Rules": _pages(elbv2, "describe_rules", "Rules", ListenerArn=listener["ListenerArn"]),
            }
            for listener in _pages(elbv2, "describe_listeners", "Listeners", LoadBalancerArn=arn)
        ],
    }


def _target_group(elbv2: Any, one: Described) -> Described:
    arn = one["TargetGroupArn"]
    return {
        **one,
        "Attributes": DNS_FAILOVER | _mapping(elbv2.describe_target_group_attributes(TargetGroupArn=arn)),
        "Targets": elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"],
    }


def _mapping(answer: Described) -> dict[str, str]:
    return {str(pair["Key"]): str(pair.get("Value", "")) for pair in answer["Attributes"]}


def _pages(client: Any, call: str, key: str, **arguments: Any) -> list[Described]:
    return list(client.get_paginator(call).paginate(**arguments).search(f"{key}[]"))


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


def refuse(on: str, problem: str) -> NoReturn:
    """Refuses an object."""
    raise RehearsalError(
        f"{on}: {problem}.",
        remedy="the front door stays as it was; change it, or teach rehearsal/front_door/ what it means.",
    )
