"""The platform's graph, for both stacks; and time enough for properties on a machine that is busy."""

from __future__ import annotations

import hypothesis
import pytest

from tests.unit.graph import Graph
from tests.unit.program import STACKS, platform

hypothesis.settings.register_profile("busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("busy")


@pytest.fixture(params=[f"{stack} {values}" for stack in STACKS for values in ("known", "preview")])
def graph(request: pytest.FixtureRequest) -> Graph:
    """Each stack's graph, with the values of an update and with the unknown ones of a first preview."""
    stack, values = str(request.param).split()
    return platform(stack, preview=values == "preview")


@pytest.fixture(params=STACKS)
def known(request: pytest.FixtureRequest) -> Graph:
    """Each stack's graph with the values of an update: for what a preview cannot know."""
    return platform(str(request.param), preview=False)
