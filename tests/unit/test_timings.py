"""The tables at the end of a test run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.timings import SHOWN, Timing, tables
from tests.unit.program import CHECKOUT

TESTS = """
import subprocess, sys, time, pytest
BUSY = "import time\\nwhile time.process_time() < 1: pass"
@pytest.fixture(scope="module")
def slow():
    time.sleep(0.6)
    yield
    subprocess.run([sys.executable, "-c", BUSY])
def test_it(slow): pass
"""


def test_phases_are_added_up_by_file_and_by_worker_and_short_files_in_one_line() -> None:
    timings = [
        Timing("a.py", "gw0", SHOWN - 3, 1),
        Timing("b.py", "gw1", SHOWN + 20, 4),
        Timing("a.py", "gw0", 3, 2.4),
        Timing("c.py", "gw0", 2, 0),
        Timing("d.py", "gw1", 4, 1),
    ]
    assert tables(timings) == [
        *("| file | s | CPU s |", "|---|---|---|"),
        *("| `b.py` | 30 | 4 |", "| `a.py` | 10 | 3 |", "| 2 others | 6 | 1 |"),
        "",
        *("| worker | s | CPU s |", "|---|---|---|"),
        *("| gw1 | 34 | 5 |", "| gw0 | 12 | 3 |"),
    ]


def test_a_run_on_ci_ends_with_its_seconds_and_the_cpu_time_of_child_processes(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_configure\n")
    (tmp_path / "test_slow.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", f"--rootdir={tmp_path}", "--numprocesses=1", tmp_path]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    told = subprocess.run(
        command,
        env={**environment, "CI": "true", "PYTHONPATH": str(CHECKOUT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (line,) = (line for line in told.splitlines() if line.startswith("| gw0 |"))
    seconds, cpu = (int(one) for one in line.strip("| ").split(" | ")[1:])
    assert seconds >= 1
    assert cpu >= 1
