"""The picture of the platform shows what the program creates now."""

from __future__ import annotations

from tests.unit.diagrams.overview import FILE, SOURCE, STACK, description, digest
from tests.unit.program import platform


def test_the_picture_is_of_today() -> None:
    first, _ = FILE.read_text(encoding="utf-8").split("\n", 1)
    assert first == SOURCE.format(digest=digest(description(platform(STACK, preview=False)))), "run `make diagram`"


def test_it_names_every_service_host_and_environment() -> None:
    graph = platform(STACK, preview=False)
    text = description(graph)
    for name in (*graph.outputs["services"]["prod"], *graph.outputs["nodeGroups"], "test.DOMAIN", "log.DOMAIN"):
        assert name in text
    assert str(graph.outputs["hosts"]["prod"]) not in text


def test_another_service_needs_another_picture() -> None:
    graph = platform(STACK, preview=False)
    assert digest(description(graph)) != digest(description(platform("dev", preview=False)))
