"""Small programs run by the real engine: a workspace for each test, with its own state and PATH."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from pulumi import automation
from pulumi.automation.events import EngineEvent, StepEventMetadata

from rehearsal.engine import Command, Stack
from rehearsal.layout import CHECKOUT
from rehearsal.toolchain import Toolchain

Program = Callable[[], None]

_PROJECT = "harness"
_STACK = "test"
_NOTHING = frozenset({"same", "read", "refresh"})


class EngineFailedError(AssertionError):
    """The engine reported an error; the message is all of its output."""


@dataclass(frozen=True)
class Run:
    """What an engine run did.

    Attributes:
        steps: What was done (or would be, in a preview) to each resource other than the stack and providers, by its
            name in the program: `create`, `update`, `replace`, `delete`, …; those left as they are are not in it.
        changed: Property paths of each of these that changed.
        text: What a person would have seen.
    """

    steps: dict[str, frozenset[str]]
    changed: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    text: str = ""


class EngineHarness:
    """One stack of an inline program.

    Args:
        folder: Empty folder for state, plugins and the engine's home.
        tools: The toolchain.
        providers: Executables to put on PATH, by file name; a module's name instead of a path is run by Python.
        variables: Further environment variables of the engine and its providers.
    """

    def __init__(
        self,
        folder: Path,
        tools: Toolchain,
        providers: Mapping[str, Path | str],
        variables: Mapping[str, str] | None = None,
    ) -> None:
        programs, state = folder / "bin", folder / "state"
        for new in (programs, state):
            new.mkdir(parents=True)
        (programs / "pulumi").symlink_to(tools.pulumi)
        for name, program in providers.items():
            _put(programs / name, program)
        self._folder = folder
        self.environment = {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_BACKEND_URL": state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "harness",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "KUBECONFIG": "",
            **(variables or {}),
        }
        self._stack: Any = Stack(
            _STACK,
            automation.LocalWorkspace(
                project_settings=automation.ProjectSettings(name=_PROJECT, runtime="python", main=str(Path.cwd())),
                program=lambda: None,
                env_vars=self.environment,
                pulumi_home=str(folder / "home"),
                pulumi_command=Command(folder),
            ),
        )

    def preview(self, program: Program) -> Run:
        """Previews a program."""
        return self._run(partial(self._stack.preview, program=program))

    def up(self, program: Program) -> Run:
        """Brings a program up."""
        return self._run(partial(self._stack.up, program=program))

    def refresh(self) -> Run:
        """Compares the state with what is there."""
        return self._run(self._stack.refresh)

    def destroy(self) -> Run:
        """Deletes all resources."""
        return self._run(self._stack.destroy)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, secrets revealed."""
        return {name: output.value for name, output in self._stack.workspace.stack_outputs(_STACK).items()}

    def state(self) -> list[dict[str, Any]]:
        """The resources in the state, but for the stack and providers, secrets revealed."""
        deployment: dict[str, Any] = self._stack.export_stack().deployment or {}
        return [item for item in deployment.get("resources", []) if not item["type"].startswith("pulumi:")]

    def stored_state(self) -> str:
        """The state as it is stored: what of it is secret has to be encrypted."""
        return (self._folder / "state" / ".pulumi" / "stacks" / _PROJECT / f"{_STACK}.json").read_text()

    def process(self) -> int:
        """The id of the engine's process, while a run is under way in another thread."""
        for child in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if child.name() == "pulumi" and child.environ().get("PULUMI_HOME") == self.environment["PULUMI_HOME"]:
                    return child.pid
        raise AssertionError("no engine runs")

    def _run(self, operation: Callable[..., Any]) -> Run:
        lines: list[str] = []
        events: list[EngineEvent] = []
        try:
            operation(on_output=lines.append, on_error=lines.append, on_event=events.append)
        except automation.CommandError as error:
            raise EngineFailedError("\n".join(lines) or str(error)) from None
        return Run(_steps(events), _changed(events), "\n".join(lines))


def _put(path: Path, program: Path | str) -> None:
    if isinstance(program, Path):
        path.symlink_to(program)
        return
    path.write_text(
        f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(CHECKOUT))} exec {shlex.quote(sys.executable)} -m {program} "$@"\n'
    )
    path.chmod(0o755)


def _of_resources(events: list[EngineEvent]) -> Iterator[StepEventMetadata]:
    """What was told of resources: before a step, and by a refresh when it has seen the resource."""
    for event in events:
        for told in (event.resource_pre_event, event.res_outputs_event):
            if told is not None and not told.metadata.type.startswith("pulumi:"):
                yield told.metadata


def _steps(events: list[EngineEvent]) -> dict[str, frozenset[str]]:
    steps: dict[str, set[str]] = {}
    for metadata in _of_resources(events):
        if metadata.op.value not in _NOTHING:
            steps.setdefault(_name(metadata), set()).add(metadata.op.value)
    return {name: frozenset(operations) for name, operations in steps.items()}


def _changed(events: list[EngineEvent]) -> dict[str, frozenset[str]]:
    changed: dict[str, set[str]] = {}
    for metadata in _of_resources(events):
        if metadata.op.value not in _NOTHING:
            changed.setdefault(_name(metadata), set()).update(metadata.detailed_diff or metadata.diffs or ())
    return {name: frozenset(paths) for name, paths in changed.items() if paths}


def _name(metadata: StepEventMetadata) -> str:
    return metadata.urn.rpartition("::")[2]
