"""The critical path of an update."""

from __future__ import annotations

from typing import Any

from tools.benchmarks.critical_path import dependency_graph, input_graph, longest_path

RESOURCES: list[dict[str, Any]] = [
    {"urn": "vpc"},
    {"urn": "provider", "dependencies": ["cluster"], "propertyDependencies": {"kubeconfig": ["cluster"]}},
    {"urn": "cluster", "dependencies": ["vpc", "key"], "propertyDependencies": {"vpcId": ["vpc"]}},
    {"urn": "key", "dependencies": []},
    {"urn": "object", "provider": "provider::id"},
    {"urn": "old", "delete": True, "dependencies": ["object"]},
]


def test_a_resource_waits_for_what_it_was_told_to_and_needs_what_it_was_given() -> None:
    assert dependency_graph(RESOURCES)["cluster"] == {"vpc", "key"}
    assert input_graph(RESOURCES)["cluster"] == {"vpc"}


def test_an_object_waits_for_its_provider_and_what_is_to_be_deleted_for_nothing() -> None:
    assert dependency_graph(RESOURCES)["object"] == {"provider"}
    assert "old" not in dependency_graph(RESOURCES)


def test_a_child_waits_for_all_that_its_component_comes_after() -> None:
    component = {"urn": "component", "dependencies": ["vpc"]}
    child = {"urn": "child", "parent": "component"}
    path = longest_path(
        dependency_graph([RESOURCES[0], component, child]), {"vpc": 3.0, "component": 0.0, "child": 1.0}.__getitem__
    )
    assert path == ["vpc", "component", "child"]


def test_what_comes_after_a_component_waits_for_all_that_is_in_it() -> None:
    child = {"urn": "child", "parent": "component", "dependencies": ["component"]}
    after = {"urn": "after", "dependencies": ["component"]}
    graph = dependency_graph([{"urn": "component"}, child, after])
    assert graph == {"component": set(), "child": {"component"}, "after": {"component", "child"}}


def test_the_longest_path_is_that_of_the_most_seconds_not_of_the_most_resources() -> None:
    seconds = {"vpc": 1.0, "key": 20.0, "cluster": 5.0, "provider": 0.0, "object": 1.0}
    assert longest_path(dependency_graph(RESOURCES), seconds.__getitem__) == ["key", "cluster", "provider", "object"]
    assert longest_path(input_graph(RESOURCES), {**seconds, "key": 2.0}.__getitem__) == [
        "vpc",
        "cluster",
        "provider",
        "object",
    ]
