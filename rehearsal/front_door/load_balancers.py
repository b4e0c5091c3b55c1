"""The load balancers that ELBv2 describes; `RehearsalError` for what AWS refuses, or what is not supported."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import gcd

from rehearsal.front_door.conditions import acls, hosts, pattern
from rehearsal.front_door.elbv2 import (
    LISTENER,
    LOAD_BALANCER,
    Described,
    State,
    check,
    guards_of,
    guards_of_address,
    refuse,
)

PRIORITIES = range(1, 50_001)
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html."""

RULES_OF_A_LOAD_BALANCER = 100
"""Quota of rules per load balancer; default rules do not count.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
"""

GROUPS_OF_AN_ACTION = 5
"""Quota of target groups per action, from the same page."""


_NOTHING_NEW = {"draining", "unhealthy.draining", "unused"}
"""States of targets that get no new requests.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
"""

_EVERYBODY = "0.0.0.0/0"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A listener rule.

    Attributes:
        key: `LOAD BALANCER:PRIORITY`.
        conditions: HAProxy ACLs, all of which must match; empty for the default rule.
        action: The `forward` or `fixed-response` action, as the API describes it.
    """

    key: str
    conditions: Sequence[str]
    action: Described

    @property
    def shares(self) -> list[tuple[str, int]]:
        """Target group ARNs and weights of a `forward` action, the weights reduced by their greatest common divisor."""
        if self.action["Type"] != "forward":
            return []
        groups = self.action["ForwardConfig"]["TargetGroups"]
        weights = [int(one.get("Weight", 1)) for one in groups]
        factor = gcd(*weights) or 1
        return [(str(one["TargetGroupArn"]), weight // factor) for one, weight in zip(groups, weights, strict=True)]


@dataclass(frozen=True, kw_only=True)
class LoadBalancer:
    """A load balancer with its HTTPS listener.

    Attributes:
        hosts: Host names in lower case, with wildcards: those of its rules, and its DNS name.
        inbound: CIDRs that its security groups allow to the listener's port.
        rules: By priority, the default rule last.
    """

    name: str
    port: int
    hosts: tuple[str, ...]
    inbound: tuple[str, ...]
    attributes: Mapping[str, str]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, kw_only=True)
class Target:
    """A target; `reachable` is whether its security groups allow the load balancer."""

    name: str
    address: str
    port: int
    reachable: bool


def load_balancers(state: State) -> list[LoadBalancer]:
    """The active load balancers with an HTTPS listener."""
    active = (one for one in state.load_balancers if str(one["State"]["Code"]).startswith("active"))
    found = [one for described in active for one in _load_balancer(described, state)]
    for one, other in combinations(found, 2):  # a DNS record leads to one of them only
        for host, same in product(one.hosts, other.hosts):
            if re.match(pattern(host), same) or re.match(pattern(same), host):
                refuse(f"Load balancer {one.name}", f"host {host} is on the load balancer {other.name}, too")
    return found


def _load_balancer(described: Described, state: State) -> Iterator[LoadBalancer]:
    name = str(described["LoadBalancerName"])
    on = f"Load balancer {name}"
    said = check(described, LOAD_BALANCER, on=on)
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
    """The HTTPS listener, if there is one yet; HTTP listeners may only redirect to it."""
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
        check(one, LISTENER, on=f"{on}, port {one['Port']}")
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
    """CIDRs that a load balancer's security groups allow."""
    for permission in _permissions(described.get("SecurityGroups") or (), port, state):
        if permission.get("PrefixListIds"):
            refuse(
                f"Load balancer {described['LoadBalancerName']}", "prefix lists of security groups are not known here"
            )
        yield from (str(one["CidrIp"]) for one in permission.get("IpRanges") or ())
        yield from (str(one["CidrIpv6"]) for one in permission.get("Ipv6Ranges") or ())


def _permissions(guards: Collection[str], port: int, state: State) -> Iterator[Described]:
    """Inbound rules of security groups for a TCP port."""
    for group in state.security_groups:
        for one in group["IpPermissions"] if group["GroupId"] in guards else ():
            tcp = str(one["IpProtocol"]) in {"tcp", "6"}
            if one["IpProtocol"] == "-1" or (tcp and int(one["FromPort"]) <= port <= int(one["ToPort"])):
                yield one


def targets(group: Described, state: State) -> list[Target]:
    """Targets of a group that get requests when healthy, sorted by name: running instances, or addresses."""
    instances = {str(one["InstanceId"]): one for one in state.instances if one["State"]["Name"] == "running"}
    balancers = set(group.get("LoadBalancerArns") or ())
    theirs = {
        str(name)
        for one in state.load_balancers
        if one["LoadBalancerArn"] in balancers
        for name in one.get("SecurityGroups") or ()
    }
    is_ip = group["TargetType"] == "ip"
    found: list[Target] = []
    for one in group["Targets"]:
        name, port = str(one["Target"]["Id"]), int(one["Target"].get("Port") or group["Port"])
        if (is_ip or name in instances) and one["TargetHealth"]["State"] not in _NOTHING_NEW:
            address = name if is_ip else str(instances[name]["PrivateIpAddress"])
            guards = guards_of_address(state, name) if is_ip else guards_of(instances[name])
            reachable = _lets_in(guards, port, theirs, state)
            found.append(Target(name=f"{name}:{port}", address=address, port=port, reachable=reachable))
    return sorted(found, key=lambda one: one.name)


def _lets_in(guards: Collection[str], port: int, theirs: Collection[str], state: State) -> bool:
    """Whether security groups allow a port from one of `theirs`, or from 0.0.0.0/0; other CIDRs are ignored."""
    return any(
        any(one["GroupId"] in theirs for one in permission.get("UserIdGroupPairs") or ())
        or any(one["CidrIp"] == _EVERYBODY for one in permission.get("IpRanges") or ())
        for permission in _permissions(guards, port, state)
    )
