"""What ELBv2 and EC2 say of the load balancers: as their APIs give it, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Described: TypeAlias = Mapping[str, Any]
"""An object as the API describes it: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/ ."""


@dataclass(frozen=True, kw_only=True)
class State:
    """All that a request's way through the load balancers depends on.

    Attributes:
        load_balancers: Each with its `Attributes`, a mapping, and its `Listeners`, which have `Attributes` and `Rules`.
        target_groups: Each with its `Attributes`, a mapping, and its `Targets`: what DescribeTargetHealth says.
        security_groups: Those of the load balancers and of the instances.
        instances: Those that are targets, with their private addresses.
    """

    load_balancers: Sequence[Described] = ()
    target_groups: Sequence[Described] = ()
    security_groups: Sequence[Described] = ()
    instances: Sequence[Described] = ()


def read(elbv2: Any, ec2: Any) -> State:
    """The state of a region, by boto3 clients of its ELBv2 and EC2. Objects may come and go while it is read.

    Raises:
        ClientError: An object went between two calls: read again.
    """
    balancers = [_load_balancer(elbv2, one) for one in _pages(elbv2, "describe_load_balancers", "LoadBalancers")]
    groups = [_target_group(elbv2, one) for one in _pages(elbv2, "describe_target_groups", "TargetGroups")]
    targets = (target["Target"] for one in groups for target in one["Targets"])
    # A filter asks for those that exist: by ids, one that is gone would be an error.
    wanted = sorted({str(target["Id"]) for target in targets})
    by_id = [{"Name": "instance-id", "Values": wanted}]
    reservations = _pages(ec2, "describe_instances", "Reservations", Filters=by_id) if wanted else ()
    instances = [instance for one in reservations for instance in one["Instances"]]
    guards = {str(name) for one in balancers for name in one.get("SecurityGroups") or ()}
    guards |= {name for one in instances for name in guards_of(one)}
    by_name = [{"Name": "group-id", "Values": sorted(guards)}]
    return State(
        load_balancers=balancers,
        target_groups=groups,
        security_groups=_pages(ec2, "describe_security_groups", "SecurityGroups", Filters=by_name) if guards else (),
        instances=instances,
    )


def guards_of(instance: Described) -> set[str]:
    """Ids of an instance's security groups: those of the network interface that has its private address."""
    return {
        str(group["GroupId"])
        for interface in instance.get("NetworkInterfaces") or ()
        if interface.get("PrivateIpAddress") == instance.get("PrivateIpAddress")
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
        "Attributes": _mapping(elbv2.describe_target_group_attributes(TargetGroupArn=arn)),
        "Targets": elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"],
    }


def _mapping(answer: Described) -> dict[str, str]:
    return {str(pair["Key"]): str(pair.get("Value", "")) for pair in answer["Attributes"]}


def _pages(client: Any, call: str, key: str, **arguments: Any) -> list[Described]:
    return list(client.get_paginator(call).paginate(**arguments).search(f"{key}[]"))
