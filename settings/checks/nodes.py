"""How many nodes there are."""

from __future__ import annotations

from collections.abc import Iterator

from settings.model import PROJECT, Settings
from settings.problems import Problem


def problems(settings: Settings) -> Iterator[Problem]:
    """A range upside down, or a start outside it."""
    for name, environment in settings.environments.items():
        nodes = environment.nodes
        if not nodes.min <= nodes.desired <= nodes.max:
            yield Problem(
                f"{PROJECT}:environments.{name}.nodes",
                f"min {nodes.min}, desired {nodes.desired}, max {nodes.max}",
                "min ≤ desired ≤ max",
            )
