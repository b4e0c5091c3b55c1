"""A check of one's own before a verification: a command, such as end-to-end tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping

GRACE_SECONDS = 10
"""How long a check that took too long may go on after SIGTERM."""


def failure(command: str, variables: Mapping[str, str], *, within: float) -> str | None:
    """Runs a shell command; None if its exit code is 0, else what happened. Its output goes to standard error.

    Args:
        command: The command, for `sh -c`.
        variables: Environment variables on top of this process' own.
        within: Seconds after which it is ended, with all its processes.
    """
    process = subprocess.Popen(
        ["sh", "-c", command], env={**os.environ, **variables}, stdout=sys.stderr, start_new_session=True
    )
    try:
        code = process.wait(within)
    except subprocess.TimeoutExpired:
        _end(process)
        return f"the check took longer than {within:.0f} s"
    except BaseException:
        _end(process)
        raise
    return None if code == 0 else f"the check ended with exit code {code}"


def _end(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
