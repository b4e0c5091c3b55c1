"""A look at the idle slot: which requests reach the preview Service, and in which order the rules are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.ingress.preview import Preview
from components.limits.check import LimitsError
from config import PROJECT
from tests.unit.program import CHECKOUT, configured, run, stack_config
from tools.program.graph import Graph, Registration

STAFF = ["203.0.113.0/24", "198.51.100.7/32"]
CONDITIONS = "alb.ingress.kubernetes.io/conditions."
ACTIONS = "alb.ingress.kubernetes.io/actions."


def settings(*, staff: list[str] = STAFF, **services: dict[str, Any]) -> dict[str, str]:
    found = stack_config("dev")
    defined = json.loads(found[f"{PROJECT}:services"])
    for name, more in services.items():
        defined[name] |= more
    balancer = json.loads(found[f"{PROJECT}:loadBalancer"]) | {"staffCidrs": staff}
    return {**found, f"{PROJECT}:services": json.dumps(defined), f"{PROJECT}:loadBalancer": json.dumps(balancer)}


@pytest.fixture(scope="module")
def previewed() -> Graph:
    return configured(settings(frontend={"preview": {"value": "next"}, "canary": {}}))


def of(graph: Graph, kind: str, name: str) -> Registration:
    found = (one for one in graph.of_kind(kind) if one.metadata.get("namespace") == "prod")
    return next(one for one in found if one.metadata["name"] == name)


def rules(ingress: Registration) -> list[tuple[str, str, str]]:
    """Path, backend and port of each rule, in the controller's order: longer prefixes first, else as they are."""
    paths = ingress.spec["rules"][0]["http"]["paths"]
    found = [
        (one["path"], one["backend"]["service"]["name"], one["backend"]["service"]["port"]["name"]) for one in paths
    ]
    return sorted(found, key=lambda one: -len(one[0]))


def test_the_staffs_rules_come_before_the_services_own_and_after_longer_paths_of_others(previewed: Graph) -> None:
    assert rules(of(previewed, "Ingress", "prod")) == [
        ("/api", "gateway", "http"),
        ("/", "frontend-1-preview", "use-annotation"),
        ("/", "frontend-2-preview", "use-annotation"),
        ("/", "frontend", "use-annotation"),
    ]


def test_each_of_them_needs_the_header_and_one_range_of_the_staff(previewed: Graph) -> None:
    annotations = of(previewed, "Ingress", "prod").metadata["annotations"]
    found = {key.removeprefix(CONDITIONS): json.loads(annotations[key]) for key in annotations if CONDITIONS in key}
    header = {"field": "http-header", "httpHeaderConfig": {"httpHeaderName": "X-Preview", "values": ["next"]}}
    assert found == {
        f"frontend-{number}-preview": [header, {"field": "source-ip", "sourceIpConfig": {"values": [source]}}]
        for number, source in enumerate(STAFF, start=1)
    }


def test_they_lead_to_the_preview_service_which_the_nodes_lead_to(previewed: Graph) -> None:
    ingress = of(previewed, "Ingress", "prod")
    annotations = ingress.metadata["annotations"]
    for number in (1, 2):
        action = json.loads(annotations[f"{ACTIONS}frontend-{number}-preview"])
        (group,) = action["forwardConfig"]["targetGroups"]
        assert (group["serviceName"], group["servicePort"]) == ("frontend-preview", "http")
    service, active = of(previewed, "Service", "frontend-preview"), of(previewed, "Service", "frontend")
    assert service.spec["type"] == "NodePort"
    assert service.metadata["annotations"] == active.metadata["annotations"], "the same health checks"
    assert service.urn in previewed.after_all(ingress), "the controller writes no rule while a Service is missing"


def test_the_release_tool_still_owns_the_weights_and_pulumi_all_other_annotations(previewed: Graph) -> None:
    annotations = of(previewed, "Ingress", "prod").metadata["annotations"]
    assert "pulumi.com/patchForce" not in annotations
    assert f"{ACTIONS}frontend" not in annotations


def test_without_the_setting_the_preview_is_inside_the_cluster_only(known: Graph) -> None:
    assert {one.spec["type"] for one in known.of_kind("Service") if one.metadata["name"].endswith("-preview")} == {
        "ClusterIP"
    }
    assert not any(CONDITIONS in key for one in known.of_kind("Ingress") for key in one.metadata["annotations"])


def test_annotations_keys_are_short_enough_for_the_longest_name() -> None:
    """https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/#syntax-and-character-set ."""
    most = Preview(service=40 * "a", paths=["/"], header="X", value="y", sources=99 * ["192.0.2.0/24"])
    assert max(len(key.partition("/")[2]) for key in most.annotations) <= 63


def test_ranges_and_paths_count_for_the_load_balancers_rules() -> None:
    def violations(count: int) -> list[str]:
        staff = [f"198.18.{number}.0/24" for number in range(count)]
        try:
            run(CHECKOUT / "__main__.py", stack="dev", settings=settings(staff=staff, gateway=wanted), preview=True)
        except LimitsError as error:
            return [f"{one.resource}: {one.property}: {one.value}" for one in error.violations]
        return []

    wanted: dict[str, Any] = {"preview": {}, "paths": ["/a", "/b", "/c", "/d"]}
    assert violations(23) == []
    assert violations(24) == ["load balancer staff: rules: 102", "load balancer public: rules: 101"], (
        "four paths from 24 ranges, the paths themselves, the frontend's, and Kibana's on `staff`"
    )
