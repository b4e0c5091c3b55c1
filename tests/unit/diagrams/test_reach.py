"""The picture of who reaches whom is of today's policies."""

from __future__ import annotations

from tests.unit.diagrams.overview import SOURCE, STACK, digest
from tests.unit.diagrams.reach import FILE, description
from tests.unit.network_policies.places import reach_of


def test_the_picture_is_of_today() -> None:
    first, _ = FILE.read_text(encoding="utf-8").split("\n", 1)
    assert first == SOURCE.format(digest=digest(description(reach_of(STACK)))), "run `make diagram`"


def test_it_draws_what_is_reached_and_nothing_else() -> None:
    text = description(reach_of(STACK))
    for line in ('"prod gateway" -> "prod api"', '"a node" -> "prod frontend"', '"prod ai" -> "internet:443"'):
        assert line in text
    for line in ('"dev gateway" -> "prod api"', '"prod frontend" -> "prod api"', '"a node" -> "prod ai"'):
        assert line not in text
