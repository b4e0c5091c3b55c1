"""What the load balancers would do of each stack's own objects."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from rehearsal.front_door.routes import EVERYBODY, Host, Objects, routes
from tests.unit.components.jenkins import HOOK, with_hook
from tests.unit.graph import Graph
from tests.unit.manifests import manifests
from tests.unit.program import STACKS, platform
from tests.unit.rehearsal.front_door.cluster import node

ENVIRONMENTS = {"prod": "10.2.0.10", "dev": "10.1.0.10"}


def of(stack: str) -> dict[str, Host]:
    """The hosts of a stack as it is committed."""
    return served(platform(stack, preview=False))


def served(graph: Graph) -> dict[str, Host]:
    """The hosts, each environment having a node, and each Service the ports that the API server would choose."""
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for one in manifests(graph):
        by_kind.setdefault(one["kind"], []).append(copy.deepcopy(one))
    services = by_kind["Service"]
    for number, service in enumerate(services):
        if service["spec"].get("type") == "NodePort":
            for port in service["spec"]["ports"]:
                port["nodePort"] = 30000 + number
    for namespace in by_kind["Namespace"]:  # the API server's own label
        labels = namespace["metadata"].setdefault("labels", {})
        labels["kubernetes.io/metadata.name"] = namespace["metadata"]["name"]
    objects = Objects(
        ingresses=by_kind["Ingress"],
        classes=by_kind["IngressClass"],
        parameters=by_kind["IngressClassParams"],
        services=services,
        nodes=[node(name, name, address) for name, address in ENVIRONMENTS.items()],
        namespaces=by_kind["Namespace"],
    )
    return {host.name: host for host in routes(objects)}


@pytest.mark.parametrize("stack", STACKS)
def test_exactly_the_hosts_that_were_asked_for_are_served(stack: str) -> None:
    assert set(of(stack)) == set(platform(stack, preview=False).outputs["hosts"].values())


@pytest.mark.parametrize("stack", STACKS)
def test_no_host_reaches_the_other_environment(stack: str) -> None:
    hosts = platform(stack, preview=False).outputs["hosts"]
    for environment, address in ENVIRONMENTS.items():
        for rule in of(stack)[hosts[environment]].rules:
            assert rule.target is not None, rule.path
            assert rule.target.namespace == environment
            assert rule.target.nodes == ((environment, address),)


@pytest.mark.parametrize("stack", STACKS)
def test_everybody_may_call_prods_host_only(stack: str) -> None:
    hosts = platform(stack, preview=False).outputs["hosts"]
    open_to_all = {name for name, host in of(stack).items() if set(host.inbound) & set(EVERYBODY)}
    assert open_to_all == {hosts["prod"]}


def test_where_a_setting_asks_one_path_is_open_to_its_ranges_and_nobody_else() -> None:
    hosts = served(with_hook())
    open_to_all = {name for name, host in hosts.items() if set(host.inbound) & set(EVERYBODY)}
    assert open_to_all == {"dev.hello.example.com", "hook.dev.hello.example.com"}
    rules = hosts["hook.dev.hello.example.com"].rules
    assert {(rule.path, rule.exact) for rule in rules} == {("/github-webhook/", True)}
    assert [source for rule in rules for source in rule.sources] == HOOK["cidrs"]
    assert all(rule.sources for rule in rules)
