"""Whether NetworkPolicies allow a connection.

The rules are Kubernetes' own, each named where it is applied:
https://kubernetes.io/docs/concepts/services-networking/network-policies/

Not modelled: a pod always reaches itself, and its own node reaches it; answers to a connection follow it back.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

Direction = Literal["Ingress", "Egress"]
Selector = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Namespace:
    """A namespace.

    Attributes:
        name: Its name; also its label `kubernetes.io/metadata.name`, which Kubernetes sets.
        labels: Its other labels.
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One end of a connection: a pod, or addresses that are no pod's.

    Attributes:
        name: What a reader calls it.
        addresses: IPv4 ranges that its address lies in; a pod's are the subnets of its node.
        namespace: A pod's namespace; None for what is no pod.
        labels: A pod's labels.
        ports: A pod's container ports that have a name, by it.
    """

    name: str
    addresses: Sequence[str]
    namespace: Namespace | None = None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    ports: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True)
class Port:
    """Where a connection goes.

    Attributes:
        number: 1 to 65535.
        protocol: Of layer 4.
    """

    number: int
    protocol: Literal["TCP", "UDP", "SCTP"] = "TCP"


@dataclass(frozen=True)
class Policy:
    """A NetworkPolicy.

    Attributes:
        namespace: Its namespace.
        spec: As in a manifest.
    """

    namespace: str
    spec: Mapping[str, Any]


def reaches(policies: Sequence[Policy], source: Endpoint, destination: Endpoint, port: Port) -> bool:
    """Whether a connection is let through for some of the addresses that its ends may have.

    "For a connection from a source pod to a destination pod to be allowed, both the egress policy on the source pod and
    the ingress policy on the destination pod need to allow the connection."
    """
    return _allowed(policies, "Egress", source, destination, port) and _allowed(
        policies, "Ingress", destination, source, port
    )


def _allowed(policies: Iterable[Policy], direction: Direction, pod: Endpoint, peer: Endpoint, port: Port) -> bool:
    """Whether the policies of one end allow the other: any of them, or all if there is none.

    A pod is isolated in a direction once a policy selects it for that direction; policies only add up.
    """
    isolating = [one for one in policies if _selects(one, pod) and direction in _types(one)]
    named = (pod if direction == "Ingress" else peer).ports
    return not isolating or any(_rules_allow(one, direction, peer, port, named) for one in isolating)


def _selects(policy: Policy, pod: Endpoint) -> bool:
    """A policy speaks of pods of its own namespace; an empty selector of all of them."""
    return (
        pod.namespace is not None
        and pod.namespace.name == policy.namespace
        and matches(policy.spec["podSelector"], pod.labels)
    )


def _types(policy: Policy) -> Sequence[str]:
    """Without `policyTypes`: Ingress always, Egress if there is an egress rule."""
    default = ["Ingress", "Egress"] if policy.spec.get("egress") else ["Ingress"]
    return policy.spec.get("policyTypes") or default


def _rules_allow(policy: Policy, direction: Direction, peer: Endpoint, port: Port, named: Mapping[str, int]) -> bool:
    """A rule allows what is both one of its peers and one of its ports; where it names none, any.

    `named` are the destination's ports. The VPC CNI leaves out a peer of addresses where all ports are names.
    https://github.com/aws/amazon-network-policy-controller-k8s/blob/v1.0.8/pkg/resolvers/endpoints.go
    """
    rules, key = {"Ingress": ("ingress", "from"), "Egress": ("egress", "to")}[direction]
    for rule in _items(policy.spec, rules):
        ports = _items(rule, "ports")
        has_number = not ports or any(not isinstance(one.get("port"), str) for one in ports)
        peers = [one for one in _items(rule, key) if has_number or "ipBlock" not in one]
        if (not rule.get(key) or any(_is_peer(one, policy.namespace, peer) for one in peers)) and (
            not ports or any(_is_port(one, port, named) for one in ports)
        ):
            return True
    return False


def _is_peer(rule: Mapping[str, Any], namespace: str, peer: Endpoint) -> bool:
    """Addresses are matched whatever has them, a pod too; labels are a pod's only.

    Both selectors in one peer: pods with these labels in namespaces with those. Without `namespaceSelector`: pods of
    the policy's own namespace. Without `podSelector`: all pods of the namespaces.
    """
    if "ipBlock" in rule:
        return any(_overlaps(rule["ipBlock"], addresses) for addresses in peer.addresses)
    if peer.namespace is None:
        return False
    if "namespaceSelector" in rule:
        marks = {**peer.namespace.labels, "kubernetes.io/metadata.name": peer.namespace.name}
        in_namespace = matches(rule["namespaceSelector"], marks)
    else:
        in_namespace = peer.namespace.name == namespace
    return in_namespace and matches(rule.get("podSelector") or {}, peer.labels)


def _overlaps(block: Mapping[str, Any], addresses: str) -> bool:
    """Whether a range has an address that is in the block and in none of its exceptions."""
    wanted, allowed = ipaddress.IPv4Network(addresses), ipaddress.IPv4Network(block["cidr"])
    if not wanted.overlaps(allowed):
        return False
    left = [max(wanted, allowed, key=lambda network: network.prefixlen)]
    for cidr in _items(block, "except"):
        exception = ipaddress.IPv4Network(cidr)
        left = [rest for network in left for rest in _without(network, exception)]
    return bool(left)


def _without(network: ipaddress.IPv4Network, exception: ipaddress.IPv4Network) -> list[ipaddress.IPv4Network]:
    if network.subnet_of(exception):
        return []
    return list(network.address_exclude(exception)) if exception.subnet_of(network) else [network]


def _is_port(rule: Mapping[str, Any], port: Port, named: Mapping[str, int]) -> bool:
    """The protocol is TCP where none is said; `endPort` ends a range; a protocol alone is all its ports.

    A name is the number that the destination has it at; nothing if it has no such port.
    """
    if rule.get("protocol", "TCP") != port.protocol:
        return False
    first = rule.get("port")
    if isinstance(first, str):
        return named.get(first) == port.number
    return first is None or first <= port.number <= rule.get("endPort", first)


def matches(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether a label selector holds; an empty one always does.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
    """
    wanted: Mapping[str, str] = selector.get("matchLabels") or {}
    return wanted.items() <= labels.items() and all(_holds(one, labels) for one in _items(selector, "matchExpressions"))


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = str(expression["key"]), _items(expression, "values")
    return {
        "In": key in labels and labels[key] in values,
        "NotIn": key not in labels or labels[key] not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }[expression["operator"]]


def _items(value: Mapping[str, Any], key: str) -> list[Any]:
    return cast("list[Any]", value.get(key) or [])
