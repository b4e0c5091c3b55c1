"""Runs a Pulumi program as the engine's language host does, with the recording monitor in the engine's place."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import json
import logging
import runpy
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pulumi.runtime.config import set_all_config
from pulumi.runtime.mocks import MockEngine
from pulumi.runtime.settings import Settings, configure
from pulumi.runtime.stack import run_in_stack

import config
from components.cluster.live import NONE, LiveCluster
from rehearsal import workspace
from tests.unit.graph import Graph
from tests.unit.monitor import RecordingMonitor
from tools.preflight.stack_file import program_config

CHECKOUT = Path(__file__).resolve().parents[2]
PROGRAM = CHECKOUT / "__main__.py"
FIXTURES = CHECKOUT / "tests" / "fixtures" / "stacks"
"""The tests' own stack files: those of the checkout belong to who adopts the project."""

STACKS = ("dev", "prod")

SHIPPED = {path.name.split(".")[1]: path for path in sorted(CHECKOUT.glob("Pulumi.*.yaml"))}
"""The checkout's stack files, by stack."""

ABOUT_SHIPPED = "tests/unit/test_stacks.py"
"""The only unit tests that read them: that they load and preview."""


def made_up(secret: config.RequiredSecret) -> str:
    """A value for a secret, unlike any other text."""
    return f"made-up-{secret.environment}-{secret.service}-{secret.name}"


def project_file() -> dict[str, Any]:
    """Pulumi.yaml."""
    return yaml.safe_load((CHECKOUT / "Pulumi.yaml").read_text(encoding="utf-8"))


def stack_file(stack: str) -> dict[str, Any]:
    """The file of one of the tests' stacks."""
    return yaml.safe_load((FIXTURES / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))


def config_without_secrets(stack: str) -> dict[str, str]:
    """The configuration of one of the tests' stacks as its file has it."""
    return program_config(stack_file(stack)["config"])


def config_of(file: Path) -> dict[str, str]:
    """The configuration of any stack's file, with made-up values for what is encrypted and for each required secret."""
    content = workspace.merge_stack_file(yaml.safe_load(file.read_text(encoding="utf-8")), {})
    settings = workspace.reached_from_here(content)["config"]
    values: dict[str, Any] = {}
    for secret in workspace.required_secrets(settings):
        values.setdefault(secret.environment, {}).setdefault(secret.service, {})[secret.name] = made_up(secret)
    return program_config({**settings, f"{config.PROJECT}:secrets": values})


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


def run(
    program: Path,
    *,
    stack: str,
    settings: Mapping[str, str],
    preview: bool,
    certificates: Sequence[Mapping[str, Any]] = (),
    live: LiveCluster = NONE,
) -> Graph:
    """Runs a program from its beginning to its last registration; nothing of it stays in this process's settings.

    Args:
        program: The file.
        stack: The stack's name.
        settings: Its configuration.
        preview: Whether nothing is made.
        certificates: What ACM has, each with `status` and `tags`.
        live: The cluster that exists.
    """

    def run_program() -> None:
        runpy.run_path(str(program), run_name="__main__")

    def run_here() -> Graph:
        monitor = RecordingMonitor(stack=stack, preview=preview, certificates=certificates, live=live)
        engine = MockEngine(logging.getLogger(__name__))
        configure(Settings(project=config.PROJECT, stack=stack, monitor=monitor, engine=engine, dry_run=preview))
        set_all_config(dict(settings), [f"{config.PROJECT}:secrets"])
        try:
            asyncio.run(run_in_stack(run_program))
        finally:
            gc.enable()  # the program is alone in its process, the tests are not
        return monitor.graph

    return contextvars.copy_context().run(run_here)


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
