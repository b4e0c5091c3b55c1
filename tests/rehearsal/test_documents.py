"""Commands of the README and the documents, as they stand, in `make shell` of a stack that is up."""

from __future__ import annotations

import os
import re
import subprocess
import time

import pytest

from rehearsal import workspace
from rehearsal.lifecycle import Rehearsal
from tests.documented.commands import of_the_rehearsal
from tests.rehearsal.stacks import ONE_STACK

WATCH_SECONDS = 5
"""How long a command is looked at that does not end by itself."""

METRICS_SECONDS = 90
"""How long metrics-server may take until it has the first metrics of a pod."""


@ONE_STACK
@pytest.mark.parametrize(("command", "said"), of_the_rehearsal(), ids=[one for one, _ in of_the_rehearsal()])
def test_a_documented_command_does_what_is_said(platform: Rehearsal, command: str, said: str) -> None:
    ran = run(platform, command)
    deadline = time.monotonic() + METRICS_SECONDS
    while "metrics not available yet" in ran.stderr and time.monotonic() < deadline:
        time.sleep(2)
        ran = run(platform, command)
    assert ran.returncode in ((0, 124) if command.endswith("--watch") else (0,)), ran.stderr
    assert re.search(said, ran.stdout), ran.stdout[:2000]


def run(platform: Rehearsal, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            "/bin/sh",
            "-c",
            f"timeout {WATCH_SECONDS} {command}"
            if command.endswith("--watch")
            else command.replace("NAMESPACE", "prod"),
        ],
        env={**os.environ, **workspace.shell_environment(platform.layout)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
