"""A benchmark that is killed leaves nothing behind: no control plane, no engine, no data."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from rehearsal import strays
from rehearsal.layout import CHECKOUT
from rehearsal.toolchain import Toolchain
from tests.rehearsal.conftest import eventually


def running(folder: Path) -> set[psutil.Process]:
    """All processes that have inherited the benchmark's folder of temporary files."""
    return strays.marked("TMPDIR").get(str(folder), set())


@pytest.mark.parametrize(
    ("begun", "name"), [("--data-dir=", "SIGKILL"), ("rehearsal.kubelet", "SIGHUP"), ("pulumi preview", "SIGTERM")]
)
def test_what_a_benchmark_has_begun_ends_with_it(tools: Toolchain, tmp_path: Path, begun: str, name: str) -> None:
    assert tools.pulumi
    with subprocess.Popen(
        [sys.executable, "-m", "tools.benchmarks", "1", "--document", str(tmp_path / "none.md")],
        cwd=CHECKOUT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stderr=subprocess.DEVNULL,
    ) as benchmark:

        def has_begun() -> bool:
            assert benchmark.poll() is None
            with suppress(psutil.NoSuchProcess):
                return any(begun in " ".join(process.cmdline()) for process in running(tmp_path))
            return False

        try:
            eventually(has_begun, f"it runs {begun}", seconds=180)
        finally:
            benchmark.send_signal(signal.Signals[name])
    assert benchmark.returncode == -signal.Signals[name]
    eventually(lambda: not running(tmp_path), "nothing runs", seconds=60)
    assert not list(tmp_path.glob("bench-*"))
