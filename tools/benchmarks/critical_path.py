"""The critical path of an update: the chain of resources that takes longest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

Graph = Mapping[str, Collection[str]]
"""The URNs that each resource waits for, by URN."""


def dependency_graph(resources: Collection[Mapping[str, Any]]) -> dict[str, set[str]]:
    """The resources that each resource waits for: its dependencies, its provider and its parent.

    A component is registered once its dependencies are complete, and its children after it. A resource that depends on
    a component waits for everything in it.

    Args:
        resources: The `resources` of an exported stack.
    """
    current = [resource for resource in resources if not resource.get("delete")]
    children: dict[str, list[str]] = {}
    for resource in current:
        children.setdefault(str(resource.get("parent", "")), []).append(str(resource["urn"]))

    def subtree(urn: str) -> set[str]:
        return {urn}.union(*(subtree(child) for child in children.get(urn, [])))

    parents = {str(resource["urn"]): str(resource.get("parent", "")) for resource in current}

    def contains(component: str, urn: str) -> bool:
        return bool(urn) and (urn == component or contains(component, parents.get(urn, "")))

    graph: dict[str, set[str]] = {}
    for resource in current:
        urn = str(resource["urn"])
        after = {
            part for other in resource.get("dependencies", []) if not contains(other, urn) for part in subtree(other)
        }
        graph[urn] = (after | _provider(resource) | {parents[urn]}) - {urn, ""}
    return graph


def input_graph(resources: Collection[Mapping[str, Any]]) -> dict[str, set[str]]:
    """The graph of data alone: the resources whose outputs are each resource's inputs, and its provider."""
    return {
        str(resource["urn"]): {*_inputs(resource), *_provider(resource)} - {resource["urn"]}
        for resource in resources
        if not resource.get("delete")
    }


def longest_path(graph: Graph, seconds: Callable[[str], float]) -> list[str]:
    """The chain that takes longest, from its first resource to its last.

    Args:
        graph: The URNs that each resource waits for; a URN that is not a key takes no time.
        seconds: The creation time of a resource, by URN.
    """
    completions: dict[str, float] = {}
    before: dict[str, str] = {}

    def completion(urn: str) -> float:
        if urn not in completions:
            last = max((other for other in sorted(graph[urn]) if other in graph), key=completion, default=None)
            if last is not None:
                before[urn] = last
            completions[urn] = seconds(urn) + (completion(last) if last is not None else 0.0)
        return completions[urn]

    urn = max(sorted(graph), key=completion)
    path = [urn]
    while urn := before.get(urn, ""):
        path.append(urn)
    return path[::-1]


def _provider(resource: Mapping[str, Any]) -> set[str]:
    provider = str(resource.get("provider", "")).rpartition("::")[0]
    return {provider} if provider else set()


def _inputs(resource: Mapping[str, Any]) -> set[str]:
    properties: Mapping[str, list[str] | None] = resource.get("propertyDependencies") or {}
    return {urn for urns in properties.values() for urn in urns or ()}
