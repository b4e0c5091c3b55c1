"""Who reaches Elasticsearch, Kibana and Fluentd, and whom they reach."""

from __future__ import annotations

import pytest

from components.efk.names import ELASTICSEARCH_PODS, KIBANA_PODS, OPERATOR_PODS
from components.efk.policies import FLUENTD_PODS, SETUP_PODS
from tests.unit.manifests import without_secrets
from tests.unit.program import platform
from tests.unit.reach.places import subnets
from tests.unit.reach.semantics import Endpoint, Namespace, Policy, Port, reaches

GRAPH = platform("prod", preview=False)
NODES = subnets(GRAPH, "internal-elb")
NAMESPACES = {
    one.metadata["name"]: Namespace(name=one.metadata["name"], labels=one.metadata["labels"])
    for one in GRAPH.of_kind("Namespace")
}
POLICIES = [Policy(one.metadata["namespace"], without_secrets(one.spec)) for one in GRAPH.of_kind("NetworkPolicy")]


def pod(name: str, namespace: str, labels: dict[str, str]) -> Endpoint:
    return Endpoint(name=name, addresses=NODES, namespace=NAMESPACES[namespace], labels=labels)


PODS = {
    "elasticsearch": pod("elasticsearch", "logging", ELASTICSEARCH_PODS),
    "another of elasticsearch": pod("another", "logging", ELASTICSEARCH_PODS),
    "kibana": pod("kibana", "logging", KIBANA_PODS),
    "operator": pod("operator", "logging", OPERATOR_PODS),
    "setup": pod("setup", "logging", {**SETUP_PODS}),
    "stranger in logging": pod("stranger", "logging", {"app": "any"}),
    "fluentd": pod("fluentd", "log-collector", {**FLUENTD_PODS}),
    "stranger in log-collector": pod("stranger", "log-collector", {**SETUP_PODS}),
    "dev api": pod("api", "dev", {"app.kubernetes.io/name": "api", "environment": "dev", "slot": "blue"}),
    "a fluentd in prod": pod("fluentd", "prod", {**FLUENTD_PODS}),
}
OUTSIDE = {
    "a node": Endpoint(name="a node", addresses=NODES),
    "internet": Endpoint(name="internet", addresses=["192.0.2.0/24"]),
    "metadata": Endpoint(name="metadata", addresses=["169.254.169.254/32"]),
    "Kubernetes API": Endpoint(name="Kubernetes API", addresses=["172.20.0.1/32"]),
}
EVERYBODY = {**PODS, **OUTSIDE}
PORTS = (22, 80, 443, 5601, 8099, 9200, 9300, 24231)


@pytest.mark.parametrize(
    ("place", "port", "wanted"),
    [
        ("elasticsearch", 9200, {"another of elasticsearch", "kibana", "operator", "setup", "fluentd"}),
        ("elasticsearch", 9300, {"another of elasticsearch"}),
        ("kibana", 5601, {"setup", "a node"}),
        # Its node asks Fluentd's probes, which no policy keeps out; nobody else does.
        ("fluentd", 24231, set[str]()),
        ("operator", 9443, set[str]()),
    ],
)
def test_each_is_reached_by_those_who_need_it(place: str, port: int, wanted: set[str]) -> None:
    found = {
        name
        for name, one in EVERYBODY.items()
        if name != place and reaches(POLICIES, one, EVERYBODY[place], Port(port))
    }
    assert found - {"metadata", "Kubernetes API"} == wanted


@pytest.mark.parametrize(
    ("source", "places"),
    [
        ("fluentd", {("elasticsearch", 9200), ("another of elasticsearch", 9200), ("Kubernetes API", 443)}),
        ("kibana", {("elasticsearch", 9200), ("another of elasticsearch", 9200)}),
        ("elasticsearch", {("another of elasticsearch", 9200), ("another of elasticsearch", 9300), ("internet", 443)}),
        ("operator", {("elasticsearch", 9200), ("another of elasticsearch", 9200), ("Kubernetes API", 443)}),
        (
            "setup",
            {("elasticsearch", 9200), ("another of elasticsearch", 9200), ("kibana", 5601), ("Kubernetes API", 443)},
        ),
        ("stranger in logging", set[tuple[str, int]]()),
    ],
)
def test_each_reaches_what_it_needs_and_nothing_else(source: str, places: set[tuple[str, int]]) -> None:
    found = {
        (name, port)
        for name, one in EVERYBODY.items()
        for port in PORTS
        if name not in (source, "a node") and reaches(POLICIES, EVERYBODY[source], one, Port(port))
    }
    assert found == places
