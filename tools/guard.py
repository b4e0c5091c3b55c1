"""Ends what a process has started when it dies of a signal, any of them: `python -m tools.guard`, after a shell.

Benchmarks and test sessions use it, whose control planes are of no use to anybody afterwards.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from rehearsal import strays
from rehearsal.layout import CHECKOUT

OWNER = "HELLO_OWNER"
"""Environment variable that everything inherits what a guarded process starts."""

# The end of the input is the end of the process that holds its other end, also by SIGKILL.
_WAIT = 'read -r done || exec "$@"'


@contextmanager
def guarded(*folders: Path) -> Generator[None]:
    """A context in which all processes that this one starts end if it dies; the folders are then deleted."""
    before, owner = os.environ.get(OWNER), f"{os.getpid()}-{time.time_ns()}"
    command = ("/bin/sh", "-c", _WAIT, "guard", sys.executable, "-m", "tools.guard", owner, *map(str, folders))
    variables = {name: value for name, value in os.environ.items() if name != OWNER}
    guard = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=CHECKOUT, env=variables, start_new_session=True)
    os.environ[OWNER] = owner
    try:
        with cast("IO[bytes]", guard.stdin) as waits_for:
            yield
            waits_for.write(b"done\n")
        guard.wait()
    finally:
        os.environ.pop(OWNER)
        os.environ |= {} if before is None else {OWNER: before}


@contextmanager
def guarded_folder(prefix: str) -> Generator[Path]:
    """A temporary folder in a guarded context."""
    with tempfile.TemporaryDirectory(prefix=prefix) as folder, guarded(Path(folder)):
        yield Path(folder)


if __name__ == "__main__":
    strays.end(OWNER, sys.argv[1])
    for folder in sys.argv[2:]:
        shutil.rmtree(folder, ignore_errors=True)
