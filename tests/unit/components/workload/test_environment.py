"""An environment: its quotas, and the defaults of a container without requests and limits."""

from __future__ import annotations

from components.kubernetes.quotas import DEFAULT_LIMITS, DEFAULT_REQUESTS
from config import ENVIRONMENTS
from tools.program.graph import Graph, Registration, every


def quotas(graph: Graph, name: str) -> list[Registration]:
    return every((resource for resource in graph.of_kind("ResourceQuota") if resource.metadata["name"] == name), name)


def test_an_environment_may_use_no_more_than_its_quota_and_opens_no_load_balancer(known: Graph) -> None:
    specs = {resource.metadata["namespace"]: resource.spec["hard"] for resource in quotas(known, "environment")}
    assert set(specs) == set(ENVIRONMENTS)
    for hard in specs.values():
        assert set(hard) == {"requests.cpu", "requests.memory", "pods", "services.loadbalancers"}
        assert hard["pods"].isdigit()
        assert hard["services.loadbalancers"] == "0"


def test_no_pod_of_an_environment_has_a_priority_above_its_services(known: Graph) -> None:
    specs = {resource.metadata["namespace"]: resource.spec for resource in quotas(known, "foreign-priority-classes")}
    assert set(specs) == set(ENVIRONMENTS)
    classes = {resource.metadata["name"] for resource in known.of_kind("PriorityClass")}
    for spec in specs.values():
        assert spec["hard"] == {"pods": "0"}
        (expression,) = spec["scopeSelector"]["matchExpressions"]
        assert (expression["scopeName"], expression["operator"]) == ("PriorityClass", "In")
        system = {"system-cluster-critical", "system-node-critical"}
        assert set(expression["values"]) == system | classes - {"services"}


def test_a_container_that_says_nothing_gets_requests_and_limits(known: Graph) -> None:
    specs = {resource.metadata["namespace"]: resource.spec["limits"] for resource in known.of_kind("LimitRange")}
    assert set(specs) == set(ENVIRONMENTS)
    for limits in specs.values():
        assert limits == [{"type": "Container", "default": DEFAULT_LIMITS, "defaultRequest": DEFAULT_REQUESTS}]
    assert set(DEFAULT_LIMITS) == set(DEFAULT_REQUESTS) == {"cpu", "memory", "ephemeral-storage"}
    assert DEFAULT_LIMITS["memory"] == DEFAULT_REQUESTS["memory"]
