"""The chain of resources that an update cannot be faster than."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

Graph = Mapping[str, Collection[str]]
"""What each resource waits for, by URN."""


def waits(resources: Collection[Mapping[str, Any]]) -> dict[str, set[str]]:
    """What each resource of a state waits for: what it was given, was told to come after, its provider and its parent.

    A component is registered once all that it comes after is there, and its children only then. What comes after a
    component waits for all that is in it.

    Args:
        resources: The `resources` of an exported stack.
    """
    standing = [one for one in resources if not one.get("delete")]
    children: dict[str, list[str]] = {}
    for one in standing:
        children.setdefault(str(one.get("parent", "")), []).append(str(one["urn"]))

    def whole(urn: str) -> set[str]:
        return {urn}.union(*(whole(child) for child in children.get(urn, [])))

    parents = {str(one["urn"]): str(one.get("parent", "")) for one in standing}

    def holds(component: str, urn: str) -> bool:
        return bool(urn) and (urn == component or holds(component, parents.get(urn, "")))

    graph: dict[str, set[str]] = {}
    for one in standing:
        urn = str(one["urn"])
        after = {part for other in one.get("dependencies", []) if not holds(other, urn) for part in whole(other)}
        graph[urn] = (after | _provider(one) | {parents[urn]}) - {urn, ""}
    return graph


def needs(resources: Collection[Mapping[str, Any]]) -> dict[str, set[str]]:
    """What each resource of a state was given: the resources whose outputs are its inputs, and its provider."""
    return {
        str(one["urn"]): {*_given(one), *_provider(one)} - {one["urn"]} for one in resources if not one.get("delete")
    }


def longest_path(graph: Graph, seconds: Callable[[str], float]) -> list[str]:
    """The chain that takes longest, first resource first.

    Args:
        graph: What each waits for; what is not in it itself takes no time.
        seconds: How long the making of one takes, by URN.
    """
    ends: dict[str, float] = {}
    before: dict[str, str] = {}

    def end(urn: str) -> float:
        if urn not in ends:
            last = max((one for one in sorted(graph[urn]) if one in graph), key=end, default=None)
            if last is not None:
                before[urn] = last
            ends[urn] = seconds(urn) + (end(last) if last is not None else 0.0)
        return ends[urn]

    urn = max(sorted(graph), key=end)
    path = [urn]
    while urn := before.get(urn, ""):
        path.append(urn)
    return path[::-1]


def _provider(resource: Mapping[str, Any]) -> set[str]:
    provider = str(resource.get("provider", "")).rpartition("::")[0]
    return {provider} if provider else set()


def _given(resource: Mapping[str, Any]) -> set[str]:
    properties: Mapping[str, list[str] | None] = resource.get("propertyDependencies") or {}
    return {urn for urns in properties.values() for urn in urns or ()}
