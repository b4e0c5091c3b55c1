"""The load balancers that ELBv2 describes, and what is not understood of them, or what AWS refuses, refused by name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import gcd

from rehearsal.front_door import attributes
from rehearsal.front_door.conditions import acls, hosts, pattern, refuse
from rehearsal.front_door.elbv2 import Described, State, guards_of

PRIORITIES = range(1, 50_001)
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html."""

RULES_OF_A_LOAD_BALANCER = 100
"""Default rules do not count.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
"""

GROUPS_OF_AN_ACTION = 5
"""From the same page."""


_NOTHING_NEW = {"draining", "unhealthy.draining", "unused"}
"""States of targets that get no request: those that leave, and those that were never in use.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
"""

_EVERYBODY = "0.0.0.0/0"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule.

    Attributes:
        key: The load balancer's name and the priority.
        conditions: ACLs of HAProxy, all of which must hold; none is the default rule's.
        action: What is done, as the API gives it: a `forward` or a `fixed-response`.
    """

    key: str
    conditions: Sequence[str]
    action: Described

    @property
    def shares(self) -> list[tuple[str, int]]:
        """ARNs of the target groups that it forwards to, with their weights in smallest numbers."""
        if self.action["Type"] != "forward":
            return []
        groups = self.action["ForwardConfig"]["TargetGroups"]
        weights = [int(one.get("Weight", 1)) for one in groups]
        factor = gcd(*weights) or 1
        return [(str(one["TargetGroupArn"]), weight // factor) for one, weight in zip(groups, weights, strict=True)]


@dataclass(frozen=True, kw_only=True)
class LoadBalancer:
    """A load balancer with its listener of HTTPS.

    Attributes:
        hosts: Names that lead to it, in lower case, with wildcards: those of its rules, and its own.
        inbound: CIDRs from which its security groups let in, to that port.
        rules: In the order of their priority, the default one last.
    """

    name: str
    port: int
    hosts: tuple[str, ...]
    inbound: tuple[str, ...]
    attributes: Mapping[str, str]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where requests of a target group go, and whether security groups let the load balancer in there."""

    name: str
    address: str
    port: int
    reachable: bool


def load_balancers(state: State) -> list[LoadBalancer]:
    """Those that have a listener of HTTPS.

    Raises:
        RehearsalError: Something asks for what AWS refuses, or for what nobody knows here.
    """
    active = (one for one in state.load_balancers if str(one["State"]["Code"]).startswith("active"))
    found = [one for described in active for one in _load_balancer(described, state)]
    for one, other in combinations(found, 2):  # DNS has one of them
        for host, same in product(one.hosts, other.hosts):
            if re.match(pattern(host), same) or re.match(pattern(same), host):
                refuse(f"Load balancer {one.name}", f"host {host} is on the load balancer {other.name}, too")
    return found


def _load_balancer(described: Described, state: State) -> Iterator[LoadBalancer]:
    name = str(described["LoadBalancerName"])
    on = f"Load balancer {name}"
    said = attributes.check(described, attributes.LOAD_BALANCER, on=on)
    if sum(not one["IsDefault"] for each in described["Listeners"] for one in each["Rules"]) > RULES_OF_A_LOAD_BALANCER:
        refuse(on, f"a load balancer has at most {RULES_OF_A_LOAD_BALANCER} rules")
    for listener in _served(described["Listeners"], on):
        rules = _rules(listener, name)
        named = [host for rule in listener["Rules"] for host in hosts(rule["Conditions"])]
        yield LoadBalancer(
            name=name,
            port=int(listener["Port"]),
            hosts=tuple(dict.fromkeys(host.lower() for host in (*named, str(described["DNSName"])))),
            inbound=tuple(_inbound(described, int(listener["Port"]), state)),
            attributes=said,
            rules=rules,
        )


def _served(listeners: Sequence[Described], on: str) -> Sequence[Described]:
    """The listener of HTTPS, whose rules are served, once there is one; others only lead to it."""
    served = [one for one in listeners if one["Protocol"] == "HTTPS"]
    plain = [one for one in listeners if one["Protocol"] == "HTTP"]
    if len(served) > 1 or len(served) + len(plain) < len(listeners):
        refuse(on, "only one listener of HTTPS can be served, and of HTTP what leads to it")
    port = str(served[0]["Port"]) if served else "443"
    for one in plain:
        for rule in one["Rules"]:
            redirect = rule["Actions"][-1].get("RedirectConfig", {})
            if (redirect.get("Protocol"), str(redirect.get("Port"))) != ("HTTPS", port):
                refuse(on, f"what comes to port {one['Port']} must be sent on to port {port}, by HTTPS")
    for one in served:
        attributes.check(one, attributes.LISTENER, on=f"{on}, port {one['Port']}")
        if one.get("MutualAuthentication", {}).get("Mode", "off") != "off":
            refuse(on, "clients' certificates are not known here")
    return served


def _rules(listener: Described, name: str) -> tuple[Rule, ...]:
    others = [one for one in listener["Rules"] if not one["IsDefault"]]
    priorities = [int(one["Priority"]) for one in others]
    if len(set(priorities)) < len(priorities) or not all(one in PRIORITIES for one in priorities):
        refuse(f"Load balancer {name}", f"priorities of rules are unique, 1 to {PRIORITIES[-1]}, not {priorities}")
    ordered = sorted(others, key=lambda one: int(one["Priority"]))
    default = [one for one in listener["Rules"] if one["IsDefault"]]
    return tuple(_rule(one, f"{name}:{one['Priority']}") for one in (*ordered, *default))


def _rule(described: Described, key: str) -> Rule:
    on = f"Rule {key}"
    if described.get("Transforms"):
        refuse(on, "transforms are not known here")
    kinds = [one["Type"] for one in described["Actions"]]
    if kinds not in (["forward"], ["fixed-response"]):
        refuse(on, f"action {', '.join(kinds)}: nobody knows here what it means")
    if described["Actions"][0].get("ForwardConfig", {}).get("TargetGroupStickinessConfig", {}).get("Enabled"):
        refuse(on, "stickiness is not known here")
    found = acls(described["Conditions"], on=on)
    if bool(found) == described["IsDefault"]:
        refuse(on, "every rule has conditions, but for the default one, which has none")
    rule = Rule(key=key, conditions=found, action=described["Actions"][0])
    if len(rule.shares) > GROUPS_OF_AN_ACTION:
        refuse(on, f"an action leads to at most {GROUPS_OF_AN_ACTION} target groups")
    return rule


def _inbound(described: Described, port: int, state: State) -> Iterator[str]:
    """CIDRs from which a load balancer's security groups let connections in."""
    for permission in _permissions(described.get("SecurityGroups") or (), port, state):
        if permission.get("PrefixListIds"):
            refuse(
                f"Load balancer {described['LoadBalancerName']}", "prefix lists of security groups are not known here"
            )
        yield from (str(one["CidrIp"]) for one in permission.get("IpRanges") or ())
        yield from (str(one["CidrIpv6"]) for one in permission.get("Ipv6Ranges") or ())


def _permissions(guards: Collection[str], port: int, state: State) -> Iterator[Described]:
    """Rules of security groups for connections to a TCP port."""
    for group in state.security_groups:
        for one in group["IpPermissions"] if group["GroupId"] in guards else ():
            tcp = str(one["IpProtocol"]) in {"tcp", "6"}
            if one["IpProtocol"] == "-1" or (tcp and int(one["FromPort"]) <= port <= int(one["ToPort"])):
                yield one


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
        if name in instances and one["TargetHealth"]["State"] not in _NOTHING_NEW:
            address = str(instances[name]["PrivateIpAddress"])
            reachable = _lets_in(guards_of(instances[name]), port, theirs, state)
            found.append(Target(name=f"{name}:{port}", address=address, port=port, reachable=reachable))
    return sorted(found, key=lambda one: one.name)


def _lets_in(guards: Collection[str], port: int, theirs: Collection[str], state: State) -> bool:
    """Whether security groups let in whoever has one of `theirs`. Rules for ranges count where they are everybody's."""
    return any(
        any(one["GroupId"] in theirs for one in permission.get("UserIdGroupPairs") or ())
        or any(one["CidrIp"] == _EVERYBODY for one in permission.get("IpRanges") or ())
        for permission in _permissions(guards, port, state)
    )
