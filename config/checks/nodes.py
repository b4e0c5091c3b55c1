"""The number of nodes."""

from __future__ import annotations

from collections.abc import Iterator

from config.instance_types import instance_types
from config.models.base import PROJECT
from config.problems import Problem
from config.settings import Settings


def problems(settings: Settings) -> Iterator[Problem]:
    """Node groups without `min` ≤ `desired` ≤ `max`; instance types of two architectures."""
    dev, prod = (instance_types()[environment.nodes.instance_type] for _, environment in settings.environments.items())
    if dev.architecture != prod.architecture:
        yield Problem(
            f"{PROJECT}:environments.prod.nodes.instanceType",
            prod.name,
            f"a type of {dev.architecture}, as environments.dev.nodes.instanceType, {dev.name}, is: both environments "
            "run the same images",
        )
    for name, environment in settings.environments.items():
        nodes = environment.nodes
        if not nodes.min <= nodes.desired <= nodes.max:
            yield Problem(
                f"{PROJECT}:environments.{name}.nodes",
                f"min {nodes.min}, desired {nodes.desired}, max {nodes.max}",
                "min ≤ desired ≤ max",
            )
