"""What a process has started ends with it, of whichever signal it dies."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from rehearsal import strays
from rehearsal.layout import CHECKOUT, RUNS_VARIABLE

PROGRAM = """
import subprocess, sys
from rehearsal.processes import ProcessTable, Program
from tools.guard import guarded_folder

with guarded_folder("guarded-") as folder:
    sleeper = (sys.executable, "-c", "import time; time.sleep(60)")
    record = ProcessTable(folder / "processes.json").start(Program("sleeper", sleeper, folder / "log", {}))
    print(folder, record.pid, subprocess.Popen(sleeper).pid, flush=True)
    input()
"""


@dataclass
class Owner:
    """A guarded process, its folder, and the two processes that it has started."""

    process: subprocess.Popen[str]
    folder: Path
    started: list[psutil.Process]


@pytest.fixture
def owner() -> Iterator[Owner]:
    """A guarded process that waits for a line."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=CHECKOUT, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        folder, *started = process.stdout.readline().split()
        one = Owner(process, Path(folder), [psutil.Process(int(pid)) for pid in started])
        try:
            yield one
        finally:
            for running in one.started:
                with suppress(psutil.NoSuchProcess):
                    running.kill()
            process.kill()


def guards(folder: Path) -> list[psutil.Process]:
    found = [process for process in psutil.process_iter(["cmdline"]) if str(folder) in (process.info["cmdline"] or [])]
    assert found
    return found


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"])
def test_all_that_it_has_started_ends_and_its_folder_is_deleted(owner: Owner, name: str) -> None:
    waiting = guards(owner.folder)
    owner.process.send_signal(signal.Signals[name])
    _, alive = psutil.wait_procs([*owner.started, *waiting], timeout=15)
    assert not alive
    assert not owner.folder.exists()
    assert not strays.marked(RUNS_VARIABLE).get(str(owner.folder))


def test_what_runs_at_its_orderly_end_runs_on(owner: Owner) -> None:
    waiting, line = guards(owner.folder), owner.process.stdin
    assert line is not None
    line.write("\n")
    line.flush()  # not `communicate`: what runs on has the other end of its output
    assert owner.process.wait(15) == 0
    assert not psutil.wait_procs(waiting, timeout=15)[1]
    assert all(one.status() != psutil.STATUS_ZOMBIE for one in owner.started)  # nor gone, which would be an error
