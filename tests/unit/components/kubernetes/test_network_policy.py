"""The NetworkPolicy of a service follows its configuration."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

import config
from components.kubernetes.network_policy import Addresses, default_deny, port_policy, service_policy
from tests.unit.arguments import manifest
from tools.program.graph import Graph, every, of_logs

ADDRESSES = Addresses(
    vpc="10.20.0.0/16",
    nodes=["10.20.0.0/18", "10.20.64.0/18"],
    control_plane=["10.20.240.0/28", "10.20.240.16/28"],
)
HTTP = [{"protocol": "TCP", "port": "http"}]
"""A service's port, by its name."""


def pods(service: str) -> dict[str, Any]:
    return {"podSelector": {"matchLabels": {"app.kubernetes.io/name": service}}}


def tcp(*ports: int) -> list[dict[str, Any]]:
    return [{"protocol": "TCP", "port": port} for port in ports]


def blocks(*cidrs: str) -> list[dict[str, Any]]:
    return [{"ipBlock": {"cidr": cidr}} for cidr in cidrs]


def policy(*callers: str, addresses: Addresses = ADDRESSES, **keys: Any) -> dict[str, Any]:
    """Spec of the policy of a service `api` with this configuration."""
    spec = config.Service.model_validate({"port": 8099, "healthPath": "/health", **keys})
    return manifest(service_policy("api", spec, callers=callers, addresses=addresses))


def admitted(**keys: Any) -> dict[str, Any]:
    """Spec of the policy of its port."""
    spec = config.Service.model_validate({"port": 8099, "healthPath": "/health", **keys})
    return manifest(port_policy("api", spec, addresses=ADDRESSES))


TOOL = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "delivery"}},
    "podSelector": {
        "matchExpressions": [
            {"key": "app.kubernetes.io/name", "operator": "In", "values": ["hello-release", "hello-reconciler"]}
        ]
    },
}


def test_a_service_without_configuration_allows_only_its_smoke_test() -> None:
    """From the release tool, or from the API server on its behalf."""
    smoke_test = {"from": [TOOL], "ports": HTTP}
    assert policy() == {**pods("api"), "policyTypes": ["Ingress", "Egress"], "ingress": [smoke_test]}
    api_server = {"from": blocks(*ADDRESSES.control_plane), "ports": tcp(8099)}
    in_a_slot = {**pods("api")["podSelector"], "matchExpressions": [{"key": "slot", "operator": "Exists"}]}
    assert admitted() == {"podSelector": in_a_slot, "policyTypes": ["Ingress"], "ingress": [api_server]}


def test_both_slots_share_one_policy() -> None:
    assert "slot" not in {**policy()["podSelector"]["matchLabels"], **admitted()["podSelector"]["matchLabels"]}


def test_callers_may_reach_only_its_port() -> None:
    callers = [pods("gateway"), pods("ai")]
    assert policy("gateway", "ai")["ingress"] == [{"from": [*callers, TOOL], "ports": HTTP}]


def test_only_a_service_with_a_path_allows_nodes() -> None:
    sources = blocks(*ADDRESSES.nodes, *ADDRESSES.control_plane)
    assert admitted(paths=["/api"])["ingress"] == [{"from": sources, "ports": tcp(8099)}]


def test_rules_with_addresses_name_their_port_by_number(graph: Graph) -> None:
    """The VPC CNI leaves out others: it cannot know what a name means for an address."""
    for one in graph.of_kind("NetworkPolicy"):
        for rule in [*one.spec.get("ingress", []), *one.spec.get("egress", [])]:
            if any("ipBlock" in peer for peer in rule.get("from") or rule["to"]):
                assert not any(isinstance(port["port"], str) for port in rule["ports"]), one.urn


def test_the_policy_of_a_port_outlives_its_change(graph: Graph) -> None:
    """Live pods listen on the old port until they are released anew."""
    numbered = [one for one in graph.of_kind("NetworkPolicy") if "." in one.metadata["name"]]
    assert len(numbered) == 10
    for one in numbered:
        assert one.metadata["name"].endswith(f".{one.spec['ingress'][0]['ports'][0]['port']:.0f}")
        assert one.retain_on_delete
        assert one.provider is not None
        assert one.provider.endswith("-kept")


def test_a_service_may_reach_the_services_that_it_names() -> None:
    egress = policy(egress={"services": ["ai", "gateway"]})["egress"]
    assert egress == [{"to": [pods("ai")], "ports": HTTP}, {"to": [pods("gateway")], "ports": HTTP}]


def test_a_service_may_reach_the_networks_that_it_names() -> None:
    egress = {"networks": [{"cidr": "198.51.100.0/28", "ports": [3306, 6379]}]}
    assert policy(egress=egress)["egress"] == [
        {"to": [{"ipBlock": {"cidr": "198.51.100.0/28"}}], "ports": tcp(3306, 6379)}
    ]


@pytest.mark.parametrize("vpc", ["10.20.0.0/16", "44.0.0.0/16"])
def test_https_excludes_private_ranges(vpc: str) -> None:
    addresses = Addresses(vpc=vpc, nodes=[], control_plane=[])
    (rule,) = policy(egress={"https": True}, addresses=addresses)["egress"]
    assert rule["ports"] == tcp(443)
    (peer,) = rule["to"]
    assert peer["ipBlock"]["cidr"] == "0.0.0.0/0"
    excluded = [ipaddress.IPv4Network(cidr) for cidr in peer["ipBlock"]["except"]]
    assert len(excluded) == len(set(excluded))
    for cidr in (vpc, "169.254.0.0/16", "10.100.0.0/16", "172.20.0.0/16", "192.168.0.0/16", "100.64.0.0/10"):
        assert any(ipaddress.IPv4Network(cidr).subnet_of(network) for network in excluded), cidr


def test_a_service_may_reach_the_kubernetes_api_if_configured() -> None:
    api = blocks(*ADDRESSES.control_plane, "10.100.0.1/32", "172.20.0.1/32")
    assert policy(kubernetesApi=True)["egress"] == [{"to": api, "ports": tcp(443)}]


def test_every_rule_names_its_peers_and_ports(graph: Graph) -> None:
    """A rule without peers allows all of them, and one without ports every port."""
    for one in graph.of_kind("NetworkPolicy"):
        for rule in every([*one.spec.get("ingress", []), *one.spec.get("egress", []), {"to": [0], "ports": [0]}]):
            assert rule.get("from") or rule.get("to")
            assert rule["ports"]


def test_egress_peers_have_labels_of_a_service_selector(graph: Graph) -> None:
    """Otherwise the VPC CNI would allow the pods but deny the address of their Service."""
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


def test_a_namespace_denies_traffic_by_default() -> None:
    spec = manifest(default_deny())
    assert spec["podSelector"] == {}
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in spec
