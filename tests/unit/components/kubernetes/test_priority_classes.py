"""Priority classes: tools before the services beside them, Kubernetes before both."""

from __future__ import annotations

from tests.unit.graph import Graph

FIRST_OF_KUBERNETES_OWN = 1_000_000_000
"""https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/#priorityclass."""


def test_tools_stay_where_services_would_crowd_them_out(graph: Graph) -> None:
    values = {one.metadata["name"]: one.inputs["value"] for one in graph.of_kind("PriorityClass")}
    assert set(values) == {"services", "tooling"}
    assert 0 < values["services"] < values["tooling"] < FIRST_OF_KUBERNETES_OWN


def test_no_class_is_given_to_a_pod_that_names_none(graph: Graph) -> None:
    for one in graph.of_kind("PriorityClass"):
        assert not one.inputs.get("globalDefault")
        assert one.inputs["description"]
