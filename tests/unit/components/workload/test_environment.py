"""An environment: what its pods may use together, and what one gets that says nothing."""

from __future__ import annotations

from components.kubernetes.quotas import DEFAULT_LIMITS, DEFAULT_REQUESTS
from config import ENVIRONMENTS
from tests.unit.graph import Graph, Registration, every


def quotas(graph: Graph, name: str) -> list[Registration]:
    return every((one for one in graph.of_kind("ResourceQuota") if one.metadata["name"] == name), name)


def test_an_environment_may_use_no_more_than_its_quota_and_opens_no_load_balancer(known: Graph) -> None:
    found = {one.metadata["namespace"]: one.spec["hard"] for one in quotas(known, "environment")}
    assert set(found) == set(ENVIRONMENTS)
    for hard in found.values():
        assert set(hard) == {"requests.cpu", "requests.memory", "pods", "services.loadbalancers"}
        assert hard["pods"].isdigit()
        assert hard["services.loadbalancers"] == "0"


def test_no_pod_of_an_environment_has_a_priority_above_its_services(known: Graph) -> None:
    found = {one.metadata["namespace"]: one.spec for one in quotas(known, "foreign-priority-classes")}
    assert set(found) == set(ENVIRONMENTS)
    classes = {one.metadata["name"] for one in known.of_kind("PriorityClass")}
    for spec in found.values():
        assert spec["hard"] == {"pods": "0"}
        (expression,) = spec["scopeSelector"]["matchExpressions"]
        assert (expression["scopeName"], expression["operator"]) == ("PriorityClass", "In")
        system = {"system-cluster-critical", "system-node-critical"}
        assert set(expression["values"]) == system | classes - {"services"}


def test_a_container_that_says_nothing_gets_requests_and_limits(known: Graph) -> None:
    found = {one.metadata["namespace"]: one.spec["limits"] for one in known.of_kind("LimitRange")}
    assert set(found) == set(ENVIRONMENTS)
    for limits in found.values():
        assert limits == [{"type": "Container", "default": DEFAULT_LIMITS, "defaultRequest": DEFAULT_REQUESTS}]
    assert set(DEFAULT_LIMITS) == set(DEFAULT_REQUESTS) == {"cpu", "memory", "ephemeral-storage"}
    assert DEFAULT_LIMITS["memory"] == DEFAULT_REQUESTS["memory"]
