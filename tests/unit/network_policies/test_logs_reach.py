"""Allowed traffic to and from Elasticsearch, Kibana and Fluentd."""

from __future__ import annotations

import pytest

from components.logging.names import ELASTICSEARCH_PODS, KIBANA_PODS, OPERATOR_PODS
from components.logging.network_policies import FLUENTD_PODS, SETUP_PODS
from tests.unit.network_policies.surroundings import Surroundings
from tests.unit.program import platform

PODS = {
    "elasticsearch": ("logging", ELASTICSEARCH_PODS),
    "another of elasticsearch": ("logging", ELASTICSEARCH_PODS),
    "kibana": ("logging", KIBANA_PODS),
    "operator": ("logging", OPERATOR_PODS),
    "setup": ("logging", SETUP_PODS),
    "stranger in logging": ("logging", {"app": "any"}),
    "fluentd": ("log-collector", FLUENTD_PODS),
    "stranger in log-collector": ("log-collector", SETUP_PODS),
    "dev api": ("dev", {"app.kubernetes.io/name": "api", "environment": "dev", "slot": "blue"}),
    "a fluentd in prod": ("prod", FLUENTD_PODS),
}
PORTS = (22, 80, 443, 5601, 8099, 9200, 9300, 24231)


@pytest.fixture(scope="module")
def around() -> Surroundings:
    """What the policies of stack prod let pass."""
    return Surroundings(platform("prod", preview=False), PODS)


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
def test_each_is_reached_by_those_who_need_it(around: Surroundings, place: str, port: int, wanted: set[str]) -> None:
    assert around.who_reach(place, port) - {"metadata", "Kubernetes API"} == wanted


@pytest.mark.parametrize(
    ("source", "places"),
    [
        (
            "fluentd",
            {
                ("elasticsearch", 9200),
                ("another of elasticsearch", 9200),
                ("Kubernetes API", 443),
                ("an API server", 443),
            },
        ),
        ("kibana", {("elasticsearch", 9200), ("another of elasticsearch", 9200)}),
        ("elasticsearch", {("another of elasticsearch", 9200), ("another of elasticsearch", 9300), ("internet", 443)}),
        (
            "operator",
            {
                ("elasticsearch", 9200),
                ("another of elasticsearch", 9200),
                ("Kubernetes API", 443),
                ("an API server", 443),
            },
        ),
        (
            "setup",
            {
                ("elasticsearch", 9200),
                ("another of elasticsearch", 9200),
                ("kibana", 5601),
                ("Kubernetes API", 443),
                ("an API server", 443),
                # CloudWatch; what credentials come from is at its port 80, on the node.
                ("internet", 443),
            },
        ),
        ("stranger in logging", set[tuple[str, int]]()),
    ],
)
def test_each_reaches_what_it_needs_and_nothing_else(
    around: Surroundings, source: str, places: set[tuple[str, int]]
) -> None:
    assert around.reached_from(source, PORTS) == places
