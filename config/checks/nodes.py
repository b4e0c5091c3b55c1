"""The number of nodes."""

from __future__ import annotations

from collections.abc import Iterator

from config.models.base import PROJECT
from config.problems import Problem
from config.settings import Settings


def problems(settings: Settings) -> Iterator[Problem]:
    """Node groups without `min` ≤ `desired` ≤ `max`."""
    for name, environment in settings.environments.items():
        nodes = environment.nodes
        if not nodes.min <= nodes.desired <= nodes.max:
            yield Problem(
                f"{PROJECT}:environments.{name}.nodes",
                f"min {nodes.min}, desired {nodes.desired}, max {nodes.max}",
                "min ≤ desired ≤ max",
            )
