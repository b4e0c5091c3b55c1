"""The program's graph with the configurations of the tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml

import config
from tools.preflight.stack_file import program_config
from tools.program.graph import Graph
from tools.program.run import CHECKOUT, PROGRAM, config_of, made_up, run

__all__ = [
    "ABOUT_SHIPPED",
    "CHECKOUT",
    "FIXTURES",
    "PROGRAM",
    "SHIPPED",
    "STACKS",
    "config_of",
    "config_without_secrets",
    "configured",
    "made_up",
    "platform",
    "project_file",
    "run",
    "stack_config",
    "stack_file",
    "stack_of",
    "with_services",
]

FIXTURES = CHECKOUT / "tests" / "fixtures" / "stacks"
"""The tests' own stack files: those of the checkout belong to who adopts the project."""

STACKS = ("dev", "prod")

SHIPPED = {path.name.split(".")[1]: path for path in sorted(CHECKOUT.glob("Pulumi.*.yaml"))}
"""The checkout's stack files, by stack."""

ABOUT_SHIPPED = "tests/unit/test_stacks.py"
"""The only unit tests that read them: that they load and preview."""


def project_file() -> dict[str, Any]:
    """Pulumi.yaml."""
    return yaml.safe_load((CHECKOUT / "Pulumi.yaml").read_text(encoding="utf-8"))


def stack_file(stack: str) -> dict[str, Any]:
    """The file of one of the tests' stacks."""
    return yaml.safe_load((FIXTURES / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))


def config_without_secrets(stack: str) -> dict[str, str]:
    """The configuration of one of the tests' stacks as its file has it."""
    return program_config(stack_file(stack)["config"])


def stack_config(stack: str) -> dict[str, str]:
    """The configuration of one of the tests' stacks, with a made-up value for each secret it requires."""
    return {**_stack_config(stack)}


@cache
def _stack_config(stack: str) -> Mapping[str, str]:
    return config_of(FIXTURES / f"Pulumi.{stack}.yaml")


def with_services(settings: Mapping[str, str], *names: str) -> dict[str, str]:
    """A configuration without the other services: for what has nothing to do with them, and takes half of the time."""
    services, secrets = (json.loads(settings[f"{config.PROJECT}:{key}"]) for key in ("services", "secrets"))
    kept = {
        environment: {name: values for name, values in of.items() if name in names or name not in services}
        for environment, of in secrets.items()
    }
    changed = {"services": {name: services[name] for name in names}, "secrets": kept}
    return {**settings, **{f"{config.PROJECT}:{key}": json.dumps(value) for key, value in changed.items()}}


def platform(stack: str, *, preview: bool) -> Graph:
    """The graph of the whole platform, with the configuration of one of the tests' stacks."""
    return configured(stack_config(stack), stack=stack, preview=preview)


def configured(settings: Mapping[str, str], *, stack: str = "dev", preview: bool = False) -> Graph:
    """The graph of the whole platform with a configuration. The program runs once for each, in a process."""
    return _configured(tuple(sorted(settings.items())), stack, preview)


@cache
def _configured(settings: tuple[tuple[str, str], ...], stack: str, preview: bool) -> Graph:
    return run(PROGRAM, stack=stack, settings=dict(settings), preview=preview)


def stack_of(graph: Graph) -> str:
    """The stack that a graph is of."""
    return next(iter(graph.resources)).split(":")[2]
