"""Runs a Pulumi program as the engine's language host does, with the recording monitor in the engine's place."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
import runpy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pulumi.runtime.config import set_all_config
from pulumi.runtime.mocks import MockEngine
from pulumi.runtime.settings import Settings, configure
from pulumi.runtime.stack import run_in_stack

import config
from components.cluster.live import NONE, LiveCluster
from config import stack_file
from rehearsal import workspace
from tools.preflight.stack_file import program_config
from tools.program.graph import Graph
from tools.program.monitor import RecordingMonitor

CHECKOUT = Path(__file__).resolve().parents[2]
PROGRAM = CHECKOUT / "__main__.py"


def made_up(secret: config.RequiredSecret) -> str:
    """A value for a secret, unlike any other text."""
    return f"made-up-{secret.environment}-{secret.service}-{secret.name}"


def config_of(file: Path) -> dict[str, str]:
    """The configuration of any stack's file, with made-up values for what is encrypted and for each required secret."""
    content = workspace.merge_stack_file(stack_file.parse(file.read_text(encoding="utf-8")), {})
    settings = workspace.reached_from_here(content)["config"]
    values: dict[str, Any] = {}
    for secret in workspace.required_secrets(settings):
        values.setdefault(secret.environment, {}).setdefault(secret.service, {})[secret.name] = made_up(secret)
    return program_config({**settings, f"{config.PROJECT}:secrets": values})


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
