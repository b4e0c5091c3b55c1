"""The evaluation of NetworkPolicies, on handmade policies."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.network_policies.semantics import Endpoint, Namespace, Policy, Port, matches, reaches

SHOP = Namespace(name="shop", labels={"team": "sales"})
BANK = Namespace(name="bank", labels={"team": "money"})
SUBNET = "10.0.0.0/24"

WEB = Endpoint(name="web", addresses=[SUBNET], namespace=SHOP, labels={"app": "web", "tier": "front"})
DATABASE = Endpoint(name="database", addresses=[SUBNET], namespace=SHOP, labels={"app": "database"})
STRANGER = Endpoint(name="stranger", addresses=[SUBNET], namespace=BANK, labels={"app": "web"})
NODE = Endpoint(name="node", addresses=[SUBNET])
OUTSIDE = Endpoint(name="outside", addresses=["192.0.2.7/32"])
HTTP = Port(80)
POSTGRES = Port(5432)

ADDRESSES = st.ip_addresses(v=4).map(str)
NETWORKS = st.tuples(ADDRESSES, st.integers(0, 32)).map(lambda pair: str(ipaddress.ip_network(pair, strict=False)))


def to_database(*rules: dict[str, Any], namespace: str = "shop", **more: Any) -> Policy:
    """A policy for what reaches the database."""
    selector = {"matchLabels": {"app": "database"}}
    return Policy(namespace, {"podSelector": selector, "policyTypes": ["Ingress"], "ingress": list(rules), **more})


def from_web(*rules: dict[str, Any]) -> Policy:
    """A policy for what the web reaches."""
    selector = {"matchLabels": {"app": "web"}}
    return Policy("shop", {"podSelector": selector, "policyTypes": ["Egress"], "egress": list(rules)})


def app(name: str) -> dict[str, Any]:
    return {"podSelector": {"matchLabels": {"app": name}}}


def ends(*policies: Policy, port: Port = HTTP) -> set[str]:
    """Who reaches the database."""
    return {one.name for one in (WEB, STRANGER, NODE, OUTSIDE) if reaches(policies, one, DATABASE, port)}


EVERYBODY = {"web", "stranger", "node", "outside"}


def test_without_a_policy_everybody_reaches_everybody() -> None:
    assert ends() == EVERYBODY


def test_a_pod_that_a_policy_selects_is_closed_in_its_direction_only() -> None:
    assert ends(to_database()) == set()
    assert reaches([to_database()], DATABASE, OUTSIDE, HTTP)
    assert ends(to_database(policyTypes=["Egress"])) == EVERYBODY


def test_a_policy_of_another_namespace_or_of_other_pods_says_nothing() -> None:
    assert ends(to_database(namespace="bank")) == EVERYBODY
    assert ends(Policy("shop", {"podSelector": {"matchLabels": {"app": "mail"}}})) == EVERYBODY


def test_an_empty_selector_is_every_pod_of_the_namespace() -> None:
    assert ends(Policy("shop", {"podSelector": {}})) == set()


def test_without_types_a_policy_is_for_ingress_and_for_egress_if_it_has_rules_for_it() -> None:
    ingress = Policy("shop", {"podSelector": {}})
    assert not reaches([ingress], OUTSIDE, WEB, HTTP)
    assert reaches([ingress], WEB, OUTSIDE, HTTP)
    both = Policy("shop", {"podSelector": {}, "egress": [{"to": [app("database")]}]})
    assert not reaches([both], OUTSIDE, WEB, HTTP)
    assert not reaches([both], WEB, OUTSIDE, HTTP)


def test_policies_add_up() -> None:
    web, block = to_database({"from": [app("web")]}), to_database({"from": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]})
    assert ends(web) == {"web"}
    assert ends(block) == {"outside"}
    assert ends(web, block) == ends(block, web, to_database()) == {"web", "outside"}


def test_a_rule_without_peers_is_for_everybody() -> None:
    assert ends(to_database({})) == ends(to_database({"from": []})) == EVERYBODY


def test_a_pod_selector_alone_is_for_the_policys_own_namespace() -> None:
    assert ends(to_database({"from": [app("web")]})) == {"web"}


def test_a_namespace_selector_alone_is_for_all_pods_in_it() -> None:
    money = {"namespaceSelector": {"matchLabels": {"team": "money"}}}
    assert ends(to_database({"from": [money]})) == {"stranger"}
    named = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "bank"}}}
    assert ends(to_database({"from": [named]})) == {"stranger"}
    assert ends(to_database({"from": [{"namespaceSelector": {}}]})) == {"web", "stranger"}


def test_both_selectors_in_one_peer_must_hold_in_two_peers_one_is_enough() -> None:
    money, mail = {"namespaceSelector": {"matchLabels": {"team": "money"}}}, app("mail")
    assert ends(to_database({"from": [{**money, **mail}]})) == set()
    assert ends(to_database({"from": [{**money, **app("web")}]})) == {"stranger"}
    assert ends(to_database({"from": [money, app("web")]})) == {"web", "stranger"}


def test_a_block_admits_whatever_has_an_address_in_it_pods_too() -> None:
    assert ends(to_database({"from": [{"ipBlock": {"cidr": SUBNET}}]})) == {"web", "stranger", "node"}


def test_a_block_leaves_its_exceptions_out() -> None:
    everywhere = {"cidr": "0.0.0.0/0", "except": [SUBNET]}
    assert ends(to_database({"from": [{"ipBlock": everywhere}]})) == {"outside"}
    halves = {"cidr": SUBNET, "except": ["10.0.0.0/25", "10.0.0.128/25"]}
    assert ends(to_database({"from": [{"ipBlock": halves}]})) == set()
    half = {"cidr": SUBNET, "except": ["10.0.0.0/25"]}
    assert "node" in ends(to_database({"from": [{"ipBlock": half}]})), "its address may be in the other half"


@given(ADDRESSES, NETWORKS, st.lists(NETWORKS, max_size=3))
def test_an_address_is_in_a_block_as_arithmetic_says(address: str, cidr: str, exceptions: list[str]) -> None:
    where = ipaddress.IPv4Address(address)
    wanted = where in ipaddress.IPv4Network(cidr) and not any(where in ipaddress.IPv4Network(one) for one in exceptions)
    policy = to_database({"from": [{"ipBlock": {"cidr": cidr, "except": exceptions}}]})
    assert reaches([policy], Endpoint(name="x", addresses=[f"{address}/32"]), DATABASE, HTTP) == wanted


def test_a_rule_is_for_its_ports() -> None:
    policy = to_database({"from": [app("web")], "ports": [{"port": 80}, {"port": 8000, "endPort": 8010}]})
    for number, open_ in {79: False, 80: True, 81: False, 7999: False, 8000: True, 8010: True, 8011: False}.items():
        assert ends(policy, port=Port(number)) == ({"web"} if open_ else set()), number


def test_a_port_is_of_tcp_unless_it_says_otherwise() -> None:
    assert ends(to_database({"ports": [{"port": 53}]}), port=Port(53, "UDP")) == set()
    assert ends(to_database({"ports": [{"port": 53, "protocol": "UDP"}]}), port=Port(53, "UDP")) == EVERYBODY
    assert ends(to_database({"ports": [{"protocol": "UDP"}]}), port=Port(9, "UDP")) == EVERYBODY
    assert ends(to_database({"ports": [{"protocol": "UDP"}]}), port=Port(9)) == set()


def test_a_port_by_name_is_the_number_that_the_destination_has_it_at() -> None:
    by_name = to_database({"from": [app("web")], "ports": [{"port": "http"}]})
    assert ends(by_name) == set(), "the destination has no such port"
    database = replace(DATABASE, ports={"http": 5432})
    assert reaches([by_name], WEB, database, POSTGRES)
    assert not reaches([by_name], WEB, database, Port(80))


def test_a_port_by_name_opens_nothing_to_addresses() -> None:
    database = replace(DATABASE, ports={"http": 5432})
    by_name = to_database({"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"port": "http"}]})
    assert not reaches([by_name], WEB, database, POSTGRES)


def test_peers_of_one_rule_do_not_get_the_ports_of_another() -> None:
    policy = to_database(
        {"from": [app("web")], "ports": [{"port": 80}]},
        {"from": [{"ipBlock": {"cidr": "192.0.2.0/24"}}], "ports": [{"port": 443}]},
    )
    assert ends(policy, port=Port(80)) == {"web"}
    assert ends(policy, port=Port(443)) == {"outside"}


def test_both_ends_must_allow() -> None:
    opened, closed = to_database({"from": [app("web")]}), to_database()
    out, nowhere = from_web({"to": [app("database")]}), from_web()
    assert reaches([opened, out], WEB, DATABASE, HTTP)
    assert not reaches([opened, nowhere], WEB, DATABASE, HTTP)
    assert not reaches([closed, out], WEB, DATABASE, HTTP)


def test_what_is_no_pod_has_no_policy_and_no_labels() -> None:
    assert not reaches([from_web({"to": [{"podSelector": {}}]})], WEB, OUTSIDE, HTTP)
    assert not reaches([to_database({"from": [{"namespaceSelector": {}}]})], OUTSIDE, DATABASE, HTTP)


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ({"key": "app", "operator": "In", "values": ["web", "mail"]}, True),
        ({"key": "app", "operator": "In", "values": ["mail"]}, False),
        ({"key": "none", "operator": "In", "values": ["mail"]}, False),
        ({"key": "app", "operator": "NotIn", "values": ["web"]}, False),
        ({"key": "none", "operator": "NotIn", "values": ["web"]}, True),
        ({"key": "app", "operator": "Exists"}, True),
        ({"key": "none", "operator": "Exists"}, False),
        ({"key": "app", "operator": "DoesNotExist"}, False),
        ({"key": "none", "operator": "DoesNotExist"}, True),
    ],
)
def test_an_expression_of_a_selector(expression: dict[str, Any], holds: bool) -> None:
    assert matches({"matchExpressions": [expression]}, WEB.labels) == holds
    assert not matches({"matchLabels": {"app": "mail"}, "matchExpressions": [expression]}, WEB.labels)


PEERS = st.sampled_from([app("web"), app("database"), {"namespaceSelector": {}}, {"ipBlock": {"cidr": SUBNET}}])
RULES = st.fixed_dictionaries({}, optional={"from": st.lists(PEERS), "ports": st.lists(st.just({"port": 80}))})


@given(st.lists(RULES, max_size=3), RULES, st.sampled_from([Port(80), Port(81)]))
def test_a_rule_or_a_policy_more_never_takes_away(
    rules: list[dict[str, Any]], rule: dict[str, Any], port: Port
) -> None:
    before = ends(to_database(*rules), port=port)
    assert before <= ends(to_database(*rules, rule), port=port)
    assert ends(to_database(*rules, rule), port=port) == ends(to_database(*rules), to_database(rule), port=port)
