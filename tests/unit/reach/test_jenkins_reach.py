"""Who reaches Jenkins, buildkitd and the agents, in a stack that has them."""

from __future__ import annotations

import pytest

from components.identities import TOOL
from components.jenkins.names import BUILDER, PREVIEWER
from components.jenkins.reach import BUILDKIT, CONTROLLER
from tests.unit.components.previews import with_previews
from tests.unit.manifests import without_secrets
from tests.unit.reach.places import subnets
from tests.unit.reach.semantics import Endpoint, Namespace, Policy, Port, reaches

GRAPH = with_previews()
NODES = subnets(GRAPH, "internal-elb")
NAMESPACES = {
    one.metadata["name"]: Namespace(name=one.metadata["name"], labels=one.metadata["labels"])
    for one in GRAPH.of_kind("Namespace")
}
POLICIES = [Policy(one.metadata["namespace"], without_secrets(one.spec)) for one in GRAPH.of_kind("NetworkPolicy")]


def pod(name: str, namespace: str, labels: dict[str, str]) -> Endpoint:
    return Endpoint(name=name, addresses=NODES, namespace=NAMESPACES[namespace], labels=labels)


PODS = {
    "builder": pod("builder", "delivery", BUILDER),
    "releaser": pod("releaser", "delivery", TOOL),
    "previewer": pod("previewer", "delivery", PREVIEWER),
    "stranger in delivery": pod("stranger", "delivery", {"app": "any"}),
    "jenkins": pod("jenkins", "jenkins", CONTROLLER),
    "buildkitd": pod("buildkitd", "buildkit", BUILDKIT),
    "dev api": pod("api", "dev", {"app.kubernetes.io/name": "api", "environment": "dev", "slot": "blue"}),
    "prod api": pod("api", "prod", {"app.kubernetes.io/name": "api", "environment": "prod", "slot": "blue"}),
    "kibana": pod("kibana", "logging", {"app": "kibana"}),
}
OUTSIDE = {
    "a node": Endpoint(name="a node", addresses=NODES),
    "internet": Endpoint(name="internet", addresses=["192.0.2.0/24"]),
    "metadata": Endpoint(name="metadata", addresses=["169.254.169.254/32"]),
    "Pod Identity": Endpoint(name="Pod Identity", addresses=["169.254.170.23/32"]),
    "Kubernetes API": Endpoint(name="Kubernetes API", addresses=["172.20.0.1/32"]),
}
EVERYBODY = {**PODS, **OUTSIDE}


def who_reaches(place: str, port: int) -> set[str]:
    return {
        name
        for name, one in EVERYBODY.items()
        if name != place and reaches(POLICIES, one, EVERYBODY[place], Port(port))
    }


@pytest.mark.parametrize(
    ("place", "port", "wanted"),
    [
        ("buildkitd", 1234, {"builder"}),
        ("buildkitd", 22, set[str]()),
        ("jenkins", 8080, {"builder", "previewer", "releaser", "a node"}),
        ("jenkins", 50000, set[str]()),
        ("builder", 8080, set[str]()),
        ("releaser", 8080, set[str]()),
        ("metadata", 80, {"a node", "internet"}),
    ],
)
def test_each_is_reached_by_those_who_need_it(place: str, port: int, wanted: set[str]) -> None:
    assert who_reaches(place, port) - {"metadata", "Pod Identity", "Kubernetes API"} == wanted


@pytest.mark.parametrize(
    ("source", "places"),
    [
        ("builder", {("buildkitd", 1234), ("jenkins", 8080), ("internet", 443), ("Pod Identity", 80)}),
        ("previewer", {("jenkins", 8080), ("internet", 443), ("Pod Identity", 80), ("Kubernetes API", 443)}),
        ("buildkitd", {("internet", 443)}),
        ("jenkins", {("internet", 443), ("Kubernetes API", 443)}),
        ("stranger in delivery", set[tuple[str, int]]()),
    ],
)
def test_each_reaches_what_it_needs_and_nothing_else(source: str, places: set[tuple[str, int]]) -> None:
    found = {
        (name, port)
        for name, one in EVERYBODY.items()
        for port in (22, 80, 443, 1234, 8080, 8099, 9200)
        if name not in (source, "a node") and reaches(POLICIES, EVERYBODY[source], one, Port(port))
    }
    assert found == places
