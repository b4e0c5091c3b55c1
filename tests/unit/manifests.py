"""The Kubernetes objects of a graph as manifests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import yaml

from tools.program.graph import Graph, Secret


def manifests(graph: Graph) -> list[dict[str, Any]]:
    """Every Kubernetes object of a known graph; secret values are left out, Helm releases are not objects."""
    return [without_secrets(one.inputs) for one in graph.objects()]


def as_yaml(graph: Graph) -> str:
    """The manifests as one YAML stream."""
    return yaml.safe_dump_all(manifests(graph), sort_keys=False)


def without_secrets(value: Any) -> Any:
    """A value with a placeholder for each secret text in it."""
    if isinstance(value, Secret):
        return (
            dict.fromkeys(cast("dict[str, Any]", value.value), "secret") if isinstance(value.value, dict) else "secret"
        )
    if isinstance(value, Mapping):
        return {key: without_secrets(item) for key, item in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list):
        return [without_secrets(item) for item in cast("list[Any]", value)]
    # The engine's protocol has one kind of number.
    return int(value) if isinstance(value, float) and value.is_integer() else value
