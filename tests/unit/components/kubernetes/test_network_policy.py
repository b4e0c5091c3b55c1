"""A service's policy says what its settings say, and never more."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

import config
from components.kubernetes.network_policy import Addresses, closed, of_service
from tests.unit.arguments import manifest
from tests.unit.graph import Graph, every, of_logs

ADDRESSES = Addresses(
    vpc="10.20.0.0/16",
    nodes=["10.20.0.0/18", "10.20.64.0/18"],
    control_plane=["10.20.240.0/28", "10.20.240.16/28"],
)
PORTS = {"api": 8099, "ai": 8085, "gateway": 8099}


def pods(service: str) -> dict[str, Any]:
    return {"podSelector": {"matchLabels": {"app.kubernetes.io/name": service}}}


def tcp(*ports: int) -> list[dict[str, Any]]:
    return [{"protocol": "TCP", "port": port} for port in ports]


def blocks(*cidrs: str) -> list[dict[str, Any]]:
    return [{"ipBlock": {"cidr": cidr}} for cidr in cidrs]


def policy(*callers: str, addresses: Addresses = ADDRESSES, **keys: Any) -> dict[str, Any]:
    """The spec of the policy of a service `api`, whose settings have these keys."""
    spec = config.Service.model_validate({"port": 8099, "healthPath": "/health", **keys})
    return manifest(of_service("api", spec, callers=callers, ports=PORTS, addresses=addresses))


TOOL = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "delivery"}},
    "podSelector": {"matchLabels": {"app.kubernetes.io/name": "hello-release"}},
}
SMOKE_TEST = [TOOL, *blocks(*ADDRESSES.control_plane)]
"""Whose smoke tests come in: the release tool's own, and those through the API server."""


def test_a_service_that_says_nothing_is_closed_both_ways_but_for_its_smoke_test() -> None:
    smoke_test = {"from": SMOKE_TEST, "ports": tcp(8099)}
    assert policy() == {**pods("api"), "policyTypes": ["Ingress", "Egress"], "ingress": [smoke_test]}


def test_both_slots_have_one_policy() -> None:
    assert "slot" not in policy()["podSelector"]["matchLabels"]


def test_callers_reach_its_port_and_no_other() -> None:
    callers = [pods("gateway"), pods("ai")]
    assert policy("gateway", "ai")["ingress"] == [{"from": [*callers, *SMOKE_TEST], "ports": tcp(8099)}]


def test_only_a_service_with_a_path_is_reached_from_nodes() -> None:
    sources = [TOOL, *blocks(*ADDRESSES.nodes, *ADDRESSES.control_plane)]
    assert policy(paths=["/api"])["ingress"] == [{"from": sources, "ports": tcp(8099)}]
    assert policy("ai", paths=["/api"])["ingress"] == [{"from": [pods("ai"), *sources], "ports": tcp(8099)}]


def test_a_service_reaches_those_it_names_on_their_port() -> None:
    named = policy(egress={"services": ["ai", "gateway"]})["egress"]
    assert named == [{"to": [pods("ai")], "ports": tcp(8085)}, {"to": [pods("gateway")], "ports": tcp(8099)}]


def test_a_service_reaches_its_networks_on_their_ports() -> None:
    egress = {"networks": [{"cidr": "198.51.100.0/28", "ports": [3306, 6379]}]}
    assert policy(egress=egress)["egress"] == [
        {"to": [{"ipBlock": {"cidr": "198.51.100.0/28"}}], "ports": tcp(3306, 6379)}
    ]


@pytest.mark.parametrize("vpc", ["10.20.0.0/16", "44.0.0.0/16"])
def test_https_is_the_internet_and_nothing_private(vpc: str) -> None:
    addresses = Addresses(vpc=vpc, nodes=[], control_plane=[])
    (rule,) = policy(egress={"https": True}, addresses=addresses)["egress"]
    assert rule["ports"] == tcp(443)
    (peer,) = rule["to"]
    assert peer["ipBlock"]["cidr"] == "0.0.0.0/0"
    left_out = [ipaddress.IPv4Network(cidr) for cidr in peer["ipBlock"]["except"]]
    assert len(left_out) == len(set(left_out))
    for cidr in (vpc, "169.254.0.0/16", "10.100.0.0/16", "172.20.0.0/16", "192.168.0.0/16", "100.64.0.0/10"):
        assert any(ipaddress.IPv4Network(cidr).subnet_of(network) for network in left_out), cidr


def test_the_kubernetes_api_is_reached_by_its_interfaces_and_its_service_where_asked_for() -> None:
    api = blocks(*ADDRESSES.control_plane, "10.100.0.1/32", "172.20.0.1/32")
    assert policy(kubernetesApi=True)["egress"] == [{"to": api, "ports": tcp(443)}]


def test_every_rule_names_its_peers_and_ports(graph: Graph) -> None:
    """A rule without peers admits everybody, and one without ports everything."""
    for one in graph.of_kind("NetworkPolicy"):
        for rule in every([*one.spec.get("ingress", []), *one.spec.get("egress", []), {"to": [0], "ports": [0]}]):
            assert rule.get("from") or rule.get("to")
            assert rule["ports"]


def test_peers_are_chosen_by_labels_that_services_select_by(graph: Graph) -> None:
    """Or the VPC CNI would let through the pods and refuse the address of their Service."""
    selectors = [one.spec["selector"] for one in graph.of_kind("Service")]
    peers = [
        peer["podSelector"]["matchLabels"]
        for one in graph.of_kind("NetworkPolicy")
        for rule in one.spec.get("egress", [])
        for peer in rule["to"]
        if not of_logs(one) and "podSelector" in peer and "namespaceSelector" not in peer
    ]
    for labels in every(peers):
        assert sum(labels.items() <= selector.items() for selector in selectors) == 4, "two slots, two environments"


def test_a_namespace_begins_closed() -> None:
    spec = manifest(closed())
    assert spec["podSelector"] == {}
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in spec
