"""PriorityClasses: tooling above services, Kubernetes' own above both."""

from __future__ import annotations

from tools.program.graph import Graph

MAX_VALUE = 1_000_000_000
"""https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/#priorityclass."""


def test_tooling_has_a_higher_priority_than_services(graph: Graph) -> None:
    values = {one.metadata["name"]: one.inputs["value"] for one in graph.of_kind("PriorityClass")}
    assert set(values) == {"services", "tooling"}
    assert 0 < values["services"] < values["tooling"] < MAX_VALUE


def test_no_class_is_the_global_default(graph: Graph) -> None:
    for one in graph.of_kind("PriorityClass"):
        assert not one.inputs.get("globalDefault")
        assert one.inputs["description"]
