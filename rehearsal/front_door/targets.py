"""The targets of a target group, and who lets whom in: the rules of security groups."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from rehearsal.front_door.elbv2 import Described, State, guards_of

_NOTHING_NEW = {"draining", "unhealthy.draining", "unused"}
"""States of targets that get no request: those that leave, and those that were never in use.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
"""

_EVERYBODY = "0.0.0.0/0"


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where requests of a target group go.

    Attributes:
        name: Its id and port.
        address: Its IP address.
        port: TCP port.
        reachable: Whether its security groups let the load balancer in.
    """

    name: str
    address: str
    port: int
    reachable: bool


def targets(group: Described, state: State) -> list[Target]:
    """The targets of a group that requests may go to, whether healthy or not."""
    instances = {str(one["InstanceId"]): one for one in state.instances if one["State"]["Name"] == "running"}
    balancers = set(group.get("LoadBalancerArns") or ())
    theirs = {
        str(name)
        for one in state.load_balancers
        if one["LoadBalancerArn"] in balancers
        for name in one.get("SecurityGroups") or ()
    }
    found: list[Target] = []
    for one in group["Targets"]:
        name, port = str(one["Target"]["Id"]), int(one["Target"].get("Port") or group["Port"])
        if one["TargetHealth"]["State"] in _NOTHING_NEW:
            continue
        address, reachable = name, True
        if group["TargetType"] == "instance":
            if name not in instances:
                continue
            address = str(instances[name]["PrivateIpAddress"])
            reachable = _lets_in(guards_of(instances[name]), port, theirs, state)
        found.append(Target(name=f"{name}:{port}", address=address, port=port, reachable=reachable))
    return sorted(found, key=lambda one: one.name)


def admits(permission: Described, port: int) -> bool:
    """Whether a rule of a security group is for connections to a TCP port."""
    protocol = str(permission["IpProtocol"])
    return protocol == "-1" or (
        protocol in {"tcp", "6"} and int(permission["FromPort"]) <= port <= int(permission["ToPort"])
    )


def _lets_in(guards: Collection[str], port: int, theirs: Collection[str], state: State) -> bool:
    """Whether security groups let in whoever has one of `theirs`. Rules for ranges count where they are everybody's."""
    return any(
        any(one["GroupId"] in theirs for one in permission.get("UserIdGroupPairs") or ())
        or any(one["CidrIp"] == _EVERYBODY for one in permission.get("IpRanges") or ())
        for group in state.security_groups
        if group["GroupId"] in guards
        for permission in group["IpPermissions"]
        if admits(permission, port)
    )
