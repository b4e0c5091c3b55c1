"""Plugins that run before the engine does, which attaches to them.

The engine starts plugins one after the other, the program's and AWS's twice: Python that starts was a third of a
preview. https://github.com/pulumi/pulumi/blob/v3.260.0/sdk/go/common/resource/plugin (`GetProviderAttachPort`,
`GetLanguageAttachPort`)
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import psutil

from rehearsal import processes, workspace
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout

PATIENCE = 60.0
"""Maximum of seconds in which a plugin starts."""

END_SECONDS = 10.0
"""Maximum of seconds in which it ends; then it is killed."""

_PAUSE = 0.01
_PORT = re.compile(rb"^(\d+)\n", re.MULTILINE)


@dataclass(frozen=True)
class _Plugin:
    process: psutil.Popen
    log: Path

    def port(self) -> int:
        """Its port, which it prints as a line when it serves."""
        deadline = time.monotonic() + PATIENCE
        while (line := _PORT.search(self.log.read_bytes())) is None:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RehearsalError(
                    f"The plugin {self.log.stem} does not start. The end of {self.log}:\n{processes.tail(self.log)}",
                    remedy="read the lines above; then run the command again.",
                )
            time.sleep(_PAUSE)
        return int(line[1])


@dataclass(frozen=True)
class Plugins:
    """The language host and the emulators, for one run of the engine. They end with this process at the latest."""

    language_host: _Plugin
    providers: Mapping[str, _Plugin]

    def variables(self) -> dict[str, str]:
        """Environment variables by which an engine finds them, once they serve.

        Raises:
            RehearsalError: One does not start.
        """
        ports = [f"{name}:{plugin.port()}" for name, plugin in self.providers.items()]
        return {
            "PULUMI_DEBUG_LANGUAGES": f"python:{self.language_host.port()}",
            **({"PULUMI_DEBUG_PROVIDERS": ",".join(ports)} if ports else {}),
        }

    def end(self) -> None:
        """Ends them."""
        processes.end([one.process for one in (self.language_host, *self.providers.values())], END_SECONDS)


def start(
    layout: Layout,
    *,
    providers: Iterable[str] = workspace.EMULATORS,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Plugins:
    """Starts the language host and the emulators of providers, and waits for nothing.

    What they print is in `logs/plugins/`. `variables` are added to their environment.
    """
    return Plugins(
        _start(layout, workspace.LANGUAGE_HOST, variables),
        {provider: _start(layout, workspace.emulator(provider), variables) for provider in providers},
    )


def _start(layout: Layout, name: str, variables: Mapping[str, str]) -> _Plugin:
    """A plugin in a process group of its own: on Ctrl-C it goes on until the engine has ended."""
    log = layout.logs / "plugins" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = psutil.Popen(
            [layout.tools / name],
            cwd=layout.workspace,
            env={**os.environ, **workspace.environment(layout), **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    return _Plugin(process, log)
