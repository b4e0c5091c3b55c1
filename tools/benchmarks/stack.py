"""A Pulumi stack whose commands are timed."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from rehearsal import attached, workspace
from rehearsal.engine import AT_THE_END
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout

_TO_CREATE = re.compile(r"\+ (\d+) to create")


@dataclass(frozen=True)
class Timing:
    """The duration of a command.

    Attributes:
        wall: Seconds from its start to its end.
        cpu: CPU seconds of the engine, the program and the providers together, without the API server's.
    """

    wall: float
    cpu: float


@dataclass(frozen=True)
class TimedStack:
    """A stack of a project in a folder, whose commands run as those of a rehearsal.

    Attributes:
        name: The stack's name.
        folder: The folder with `Pulumi.yaml`.
        layout: The rehearsal whose programs it uses.
        providers: The emulated providers that it needs.
        variables: Environment variables of its own.
    """

    name: str
    folder: Path
    layout: Layout
    providers: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict[str, str])

    def init(self) -> None:
        """Creates the stack."""
        self.run("stack", "init", self.name, "--non-interactive")

    def preview(self) -> Timing:
        """Times a preview."""
        return self._timed("preview", "--stack", self.name, "--non-interactive")

    def first_up(self) -> Timing:
        """Times an update from nothing, which writes its state once."""
        return replace(self, variables={**self.variables, **AT_THE_END}).up()

    def up(self) -> Timing:
        """Times an update."""
        return self._timed("up", "--stack", self.name, "--non-interactive", "--yes", "--skip-preview")

    def to_create(self) -> int:
        """The number of resources that a first preview creates."""
        match = _TO_CREATE.search(self.run("preview", "--stack", self.name, "--non-interactive"))
        return int(match.group(1)) if match else 0

    def run(self, *words: str, value: str | None = None) -> str:
        """Runs `pulumi`, and returns its standard output.

        Args:
            words: Its arguments.
            value: Its standard input.

        Raises:
            RehearsalError: It failed.
        """
        result = subprocess.run(
            ["pulumi", *words],
            cwd=self.folder,
            env={**os.environ, **workspace.environment(self.layout), **self.variables},
            input=value,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise RehearsalError(
                f"pulumi {' '.join(words)} failed:\n{result.stdout}{result.stderr}", remedy="see its message above."
            )
        return result.stdout

    def _timed(self, *words: str) -> Timing:
        wall, cpu = time.monotonic(), cpu_of_children()
        plugins = attached.start(self.layout, providers=self.providers, variables=self.variables)
        try:
            replace(self, variables={**self.variables, **plugins.variables()}).run(*words)
        finally:
            plugins.end()
        return Timing(time.monotonic() - wall, cpu_of_children() - cpu)


def cpu_of_children() -> float:
    """CPU seconds of all processes that this one, or one of its children, has waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
