"""Names made from content change when the content does, and only then, in the whole program."""

from __future__ import annotations

import json
from typing import Any

import pytest

from config import PROJECT
from tests.unit.program import configured, platform, stack_config
from tools.program.graph import Graph


def hashed(graph: Graph) -> dict[tuple[str, str, str], str]:
    """The name of each immutable ConfigMap and Secret, by kind, environment and service."""
    return {
        (kind, one.metadata["namespace"], one.metadata["labels"]["app.kubernetes.io/name"]): one.metadata["name"]
        for kind in ("ConfigMap", "Secret")
        for one in graph.of_kind(kind)
        if one.inputs.get("immutable")
    }


def with_changes(key: str, path: list[str], value: Any) -> Graph:
    """The dev stack's graph with one setting changed."""
    config = stack_config("dev")
    content = json.loads(config[f"{PROJECT}:{key}"])
    place = content
    for name in path[:-1]:
        place = place.setdefault(name, {})
    place[path[-1]] = value
    changed = {**config, f"{PROJECT}:{key}": json.dumps(content)}
    return configured(changed)


@pytest.mark.parametrize(
    ("key", "path", "value", "renamed"),
    [
        ("secrets", ["prod", "ai", "LLM_API_KEY"], "another", {("ConfigMap", "prod", "ai"), ("Secret", "prod", "ai")}),
        (
            "services",
            ["gateway", "variables", "API_URL"],
            "http://api/1",
            {("ConfigMap", e, "gateway") for e in ("dev", "prod")},
        ),
        ("services", ["api", "resources", "requests", "cpu"], "250m", set[tuple[str, str, str]]()),
    ],
    ids=["a secret", "a variable", "anything else"],
)
def test_what_is_made_from_content_is_renamed_with_it_and_nothing_else_is(
    key: str, path: list[str], value: str, renamed: set[tuple[str, str, str]]
) -> None:
    before, after = hashed(platform("dev", preview=False)), hashed(with_changes(key, path, value))
    assert before.keys() == after.keys()
    assert {one for one in before if before[one] != after[one]} == renamed
