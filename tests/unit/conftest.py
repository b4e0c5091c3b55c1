"""The platform's graph, for both stacks."""

from __future__ import annotations

import pytest

from tests.unit.graph import Graph
from tests.unit.program import STACKS, platform


@pytest.fixture(params=[f"{stack} {values}" for stack in STACKS for values in ("known", "preview")])
def graph(request: pytest.FixtureRequest) -> Graph:
    """Each stack's graph, with the values of an update and with the unknown ones of a first preview."""
    stack, values = str(request.param).split()
    return platform(stack, preview=values == "preview")


@pytest.fixture(params=STACKS)
def known(request: pytest.FixtureRequest) -> Graph:
    """Each stack's graph with the values of an update: for what a preview cannot know."""
    return platform(str(request.param), preview=False)
