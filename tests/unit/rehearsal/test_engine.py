"""An engine run that fails, or that a signal ends."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from rehearsal.engine import engine_ends_first, first_error

OUTPUT = """Updating (dev):
 +  aws:iam:Role hello-dev-flow-logs created (1s)
    pulumi:pulumi:Stack hello-platform-dev running error: update failed
Diagnostics:
  pulumi:pulumi:Stack (hello-platform-dev):
    warning: using pulumi-resource-aws from $PATH
    error: update failed
    error: eks:index:ManagedNodeGroup resource 'hello-dev-dev-a' has a problem: grpc: the client connection is closing

  aws:ec2:LaunchTemplate (hello-dev-dev):
    error: creating hello-dev-dev: Launch template name already in use.

  aws:ec2:Vpc (hello-dev):
    error: no more VPCs
"""


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (OUTPUT, "aws:ec2:LaunchTemplate (hello-dev-dev): creating hello-dev-dev: Launch template name already in use"),
        ("error: could not load plugin", "could not load plugin"),
        ("Diagnostics:\n  pulumi:pulumi:Stack (a):\n    error: update failed\n", ""),
        ("", ""),
    ],
)
def test_the_first_error_names_its_resource_and_the_reason(output: str, expected: str) -> None:
    assert first_error(output) == expected


@pytest.mark.parametrize(("name", "engine_ends"), [("SIGTERM", True), ("SIGHUP", True), ("SIGINT", False)])
def test_the_engine_shuts_down_in_order_where_only_its_starter_gets_the_signal(
    tmp_path: Path, name: str, engine_ends: bool
) -> None:
    engine = tmp_path / "pulumi"
    engine.write_text("#!/bin/sh\ntrap 'exit 7' INT; echo; while :; do sleep 0.1; done\n")
    engine.chmod(0o755)
    number = signal.Signals[name]
    before = signal.getsignal(number)
    with subprocess.Popen([engine], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            with engine_ends_first():
                os.kill(os.getpid(), number)
                if engine_ends:
                    assert process.wait(10) == 7
                else:
                    with pytest.raises(subprocess.TimeoutExpired):
                        process.wait(0.5)
        finally:
            process.kill()
    assert signal.getsignal(number) == before
