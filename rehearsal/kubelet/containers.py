"""A container's process: start, logs, exit code, stop."""

from __future__ import annotations

import asyncio
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import psutil

from rehearsal.kubelet import sandbox
from rehearsal.processes import open_log

KILLED = 128 + signal.SIGKILL
"""Exit code of a container that got SIGKILL."""

_CHUNK = 16 * 1024
"""Bytes of a log line, above which it is written in parts, as containerd does."""


class Running:
    """A running container.

    Args:
        process: Parent of the container's first process; exits when that does.
    """

    def __init__(self, process: Process, pumps: Sequence[asyncio.Task[None]]) -> None:
        self._process, self._pumps = process, pumps
        self._is_killed = False

    @classmethod
    async def start(cls, script: str, network: Path, log: Path, variables: Mapping[str, str]) -> Running:
        """Starts a container: a script of `sandbox.script`, in a network namespace that is mounted on a file.

        The log is in CRI format: https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
        """
        process = await asyncio.create_subprocess_exec(
            *(*sandbox.enter(network), "/bin/sh", "-c", script),
            env=variables,
            cwd="/",
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,
        )
        file = open_log(log)
        streams = (("stdout", process.stdout), ("stderr", process.stderr))
        pumps = [asyncio.create_task(_pump(stream, name, file)) for name, stream in streams if stream is not None]
        return cls(process, pumps)

    async def wait(self) -> int:
        """Waits for its end and returns its exit code: 128 plus the number of a signal that ended it."""
        try:
            code = await self._process.wait()
            await asyncio.gather(*self._pumps)
        except asyncio.CancelledError:
            self._signal(signal.SIGKILL)
            await self._process.wait()
            raise
        # unshare of util-linux 2.38 does not report which signal ended its child.
        return KILLED if self._is_killed else code if code >= 0 else 128 - code

    async def stop(self, grace: float) -> None:
        """Sends SIGTERM, then SIGKILL if it still runs after `grace` seconds."""
        self._signal(signal.SIGTERM)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), max(grace, 0))
        if self._process.returncode is None:
            self._is_killed = True
            self._signal(signal.SIGKILL)
        await self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        """Sends a signal to the container's first process (PID 1), whose end ends all others."""
        with suppress(ProcessLookupError, psutil.NoSuchProcess):
            first = next(iter(psutil.Process(self._process.pid).children()), None)
            if first is not None:
                first.send_signal(number)
            elif number == signal.SIGKILL and self._process.returncode is None:
                self._process.kill()


async def _pump(stream: asyncio.StreamReader, name: str, file: IO[bytes]) -> None:
    rest = b""
    while chunk := await stream.read(_CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            _write(file, name, "F", line)
        while len(rest) > _CHUNK:
            _write(file, name, "P", rest[:_CHUNK])
            rest = rest[_CHUNK:]
    if rest:
        _write(file, name, "F", rest)


def _write(file: IO[bytes], stream: str, tag: str, line: bytes) -> None:
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
    file.write(f"{stamp} {stream} {tag} ".encode() + line + b"\n")
