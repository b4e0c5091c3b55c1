"""How many nodes there are."""

from __future__ import annotations

from collections.abc import Iterator

from config.model import PROJECT, Settings
from config.problems import Problem


def problems(settings: Settings) -> Iterator[Problem]:
    """Fewest, desired and most nodes that are not in this order."""
    for name, environment in settings.environments.items():
        nodes = environment.nodes
        if not nodes.min <= nodes.desired <= nodes.max:
            yield Problem(
                f"{PROJECT}:environments.{name}.nodes",
                f"min {nodes.min}, desired {nodes.desired}, max {nodes.max}",
                "min ≤ desired ≤ max",
            )
