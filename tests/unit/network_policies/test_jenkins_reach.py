"""Allowed traffic to and from Jenkins, buildkitd, the agents, the reconciler and the page of releases."""

from __future__ import annotations

import pytest

from components.delivery.jenkins.names import BUILDER, PREVIEWER
from components.delivery.jenkins.network_policies import BUILDKIT, CONTROLLER
from components.delivery.releases_page import LABELS as PAGE_LABELS
from contract.identities import RECONCILER_LABELS, RELEASE_TOOL_LABELS
from tests.unit.components.delivery.previews import with_previews
from tests.unit.network_policies.surroundings import Surroundings

PODS = {
    "builder": ("delivery", BUILDER),
    "releaser": ("delivery", RELEASE_TOOL_LABELS),
    "previewer": ("delivery", PREVIEWER),
    "reconciler": ("delivery", RECONCILER_LABELS),
    "page": ("delivery", PAGE_LABELS),
    "stranger in delivery": ("delivery", {"app": "any"}),
    "jenkins": ("jenkins", CONTROLLER),
    "buildkitd": ("buildkit", BUILDKIT),
    "dev api": ("dev", {"app.kubernetes.io/name": "api", "environment": "dev", "slot": "blue"}),
    "prod api": ("prod", {"app.kubernetes.io/name": "api", "environment": "prod", "slot": "blue"}),
    "kibana": ("logging", {"app": "kibana"}),
}
PORTS = (22, 80, 443, 1234, 8080, 8099, 9200)


@pytest.fixture(scope="module")
def around() -> Surroundings:
    """What the policies of a stack with Jenkins and previews let pass."""
    return Surroundings(with_previews(), PODS, {"Pod Identity": "169.254.170.23/32"})


@pytest.mark.parametrize(
    ("place", "port", "wanted"),
    [
        ("buildkitd", 1234, {"builder"}),
        ("buildkitd", 22, set[str]()),
        ("jenkins", 8080, {"builder", "previewer", "releaser", "a node"}),
        ("jenkins", 50000, set[str]()),
        ("builder", 8080, set[str]()),
        ("releaser", 8080, set[str]()),
        ("reconciler", 8080, set[str]()),
        ("page", 8080, {"a node"}),
        ("metadata", 80, {"a node", "internet", "an API server"}),
    ],
)
def test_each_is_reached_by_those_who_need_it(around: Surroundings, place: str, port: int, wanted: set[str]) -> None:
    assert around.who_reach(place, port) - {"metadata", "Pod Identity", "Kubernetes API"} == wanted


@pytest.mark.parametrize(
    ("source", "places"),
    [
        ("builder", {("buildkitd", 1234), ("jenkins", 8080), ("internet", 443), ("Pod Identity", 80)}),
        (
            "previewer",
            {
                ("jenkins", 8080),
                ("internet", 443),
                ("Pod Identity", 80),
                ("Kubernetes API", 443),
                ("an API server", 443),
            },
        ),
        (
            "reconciler",
            {("internet", 443), ("Pod Identity", 80), ("Kubernetes API", 443), ("an API server", 443)},
        ),
        ("page", {("Kubernetes API", 443), ("an API server", 443)}),
        ("buildkitd", {("internet", 80), ("internet", 443)}),
        ("jenkins", {("internet", 443), ("Kubernetes API", 443), ("an API server", 443)}),
        ("stranger in delivery", set[tuple[str, int]]()),
    ],
)
def test_each_reaches_what_it_needs_and_nothing_else(
    around: Surroundings, source: str, places: set[tuple[str, int]]
) -> None:
    assert around.reached_from(source, PORTS) == places
