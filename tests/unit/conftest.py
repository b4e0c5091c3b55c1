"""The platform's graph, for both stacks; no test reads the stack files of the checkout; properties have no deadline.

What takes time in each worker is done once: the program, AWS's descriptions of its services, collected garbage.
"""

from __future__ import annotations

import functools
import gc
import os
import sys
from collections.abc import Iterator
from typing import Any

import botocore.session  # pyright: ignore[reportMissingTypeStubs]
import hypothesis
import pytest

from tests.unit.program import ABOUT_SHIPPED, CHECKOUT, SHIPPED, STACKS, platform
from tools.program.graph import Graph

_sessions: Any = botocore.session
_sessions.create_loader = functools.cache(_sessions.create_loader)
"""Else each session reads the descriptions of AWS's APIs anew."""

_shipped = {str(path) for path in SHIPPED.values()}
_running: list[str] = []
"""File names of the running test; empty between tests."""


def _refuse_shipped_stacks(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: https://docs.python.org/3/library/audit_events.html."""
    if event == "open" and _running and isinstance(arguments[0], str) and arguments[0].endswith(".yaml"):
        assert os.path.abspath(arguments[0]) not in _shipped, (  # noqa: PTH100 - without looking at links
            f"{arguments[0]} belongs to who adopts the project: use tests/fixtures/stacks"
        )


sys.addaudithook(_refuse_shipped_stacks)


@pytest.fixture(autouse=True)
def _independent_of_shipped_stacks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Makes a test fail that reads a stack file of the checkout."""
    if request.path == CHECKOUT / ABOUT_SHIPPED:
        yield
        return
    _running.append(request.path.name)
    yield
    _running.clear()


def pytest_collection_finish() -> None:
    """Spares the garbage collector what stays to the end: modules and tests."""
    gc.collect()
    gc.freeze()


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
