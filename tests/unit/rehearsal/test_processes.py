"""Programs outlive their starter and are found again; no other process is ever ended."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from rehearsal import ports
from rehearsal.errors import RehearsalError
from rehearsal.processes import ProcessTable, Program, Record, end, tail


@pytest.fixture
def table(tmp_path: Path) -> Iterator[ProcessTable]:
    table = ProcessTable(tmp_path / "processes.json")
    yield table
    table.stop([record.name for record in table.running()], patience=2)


def sleeper(folder: Path, name: str = "sleeper", script: str = "import time; time.sleep(60)") -> Program:
    return Program(name, (sys.executable, "-c", script), folder / "logs" / f"{name}.log", {"GREETING": "annyeong"})


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def test_a_started_program_is_found_by_the_next_command(table: ProcessTable, tmp_path: Path) -> None:
    record = table.start(sleeper(tmp_path))
    assert ProcessTable(tmp_path / "processes.json").running() == (record,)
    assert table.is_running("sleeper")
    assert not table.is_running("another")


def test_a_program_has_the_recorded_process_its_environment_and_its_log(table: ProcessTable, tmp_path: Path) -> None:
    script = "import os, time; print(os.getpid(), os.environ['GREETING'], flush=True); time.sleep(60)"
    program = sleeper(tmp_path, script=script)
    record = table.start(program)
    until(lambda: program.log.read_text().endswith("\n"))
    assert program.log.read_text().split() == [str(record.pid), "annyeong"]


def test_a_program_outlives_its_starter_and_does_not_get_its_signals(tmp_path: Path) -> None:
    starter = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from rehearsal.processes import ProcessTable, Program\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "command = (sys.executable, '-c', 'import time; time.sleep(60)')\n"
        "ProcessTable(folder / 'processes.json').start(Program('sleeper', command, folder / 'log', {}))\n"
        "os.killpg(os.getpgrp(), signal.SIGINT)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", starter], start_new_session=True, capture_output=True, text=True, check=False
    )
    table = ProcessTable(tmp_path / "processes.json")
    try:
        assert "KeyboardInterrupt" in run.stderr
        assert table.is_running("sleeper")
    finally:
        table.stop(["sleeper"])
    assert not table.is_running("sleeper")


def test_a_program_inherits_its_listening_sockets_by_port(table: ProcessTable, tmp_path: Path) -> None:
    port = next(port for port in ports.RANGE if ports.is_free(port))
    script = (
        "import os; from rehearsal.network.host_ports import inherited\n"
        f"connection, _ = inherited(os.environ)[{port}].accept()\n"
        "connection.sendall(b'served')\n"
    )
    program = replace(sleeper(tmp_path, script=script), host_ports=(port,))
    table.start(program)
    with socket.create_connection((ports.LOOPBACK, port), timeout=10) as client:
        assert client.recv(10) == b"served"
    until(lambda: not table.is_running("sleeper"))
    with socket.create_server((ports.LOOPBACK, port)), pytest.raises(RehearsalError, match=rf"Port {port}.*sleeper"):
        table.start(program)


def test_a_second_start_of_the_same_name_is_refused(table: ProcessTable, tmp_path: Path) -> None:
    record = table.start(sleeper(tmp_path))
    with pytest.raises(RehearsalError, match="runs already"):
        table.start(sleeper(tmp_path))
    assert table.running() == (record,)


def test_an_executable_that_is_not_there_is_refused_by_its_path(table: ProcessTable, tmp_path: Path) -> None:
    with pytest.raises(RehearsalError, match="no-such-program is not an executable"):
        table.start(Program("sleeper", (str(tmp_path / "no-such-program"),), tmp_path / "log", {}))
    assert table.running() == ()


def test_a_program_that_ended_does_not_run_and_can_be_started_again(table: ProcessTable, tmp_path: Path) -> None:
    first = table.start(sleeper(tmp_path))
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: not table.is_running("sleeper"))
    second = table.start(sleeper(tmp_path))
    assert table.running() == (second,)


def test_a_log_is_that_of_the_last_start_and_the_one_before_is_kept(table: ProcessTable, tmp_path: Path) -> None:
    for number in range(3):
        table.start(sleeper(tmp_path, script=f"print('start', {number})"))
        until(lambda: not table.is_running("sleeper"))
    logs = tmp_path / "logs"
    assert (logs / "sleeper.log").read_text() == "start 2\n"
    assert (logs / "sleeper.previous.log").read_text() == "start 1\n"


def test_stop_ends_the_named_programs_only(table: ProcessTable, tmp_path: Path) -> None:
    first, second = table.start(sleeper(tmp_path, "first")), table.start(sleeper(tmp_path, "second"))
    table.stop(["first", "never-started"])
    assert table.running() == (second,)
    assert not _lives(first)


def test_a_program_that_ignores_the_request_is_killed(table: ProcessTable, tmp_path: Path) -> None:
    program = sleeper(
        tmp_path,
        script="from signal import *; signal(SIGTERM, SIG_IGN); print(1, flush=True); pause()",
    )
    record = table.start(program)
    until(lambda: program.log.read_text() != "")
    table.stop(["sleeper"], patience=0.2)
    assert not _lives(record)


def test_an_ended_program_of_this_process_is_collected() -> None:
    for _ in range(5):
        process = psutil.Process(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE).pid)
        end([process], patience=20)
        assert not psutil.pid_exists(process.pid)


def test_a_program_that_nobody_collects_has_ended() -> None:
    """As where process 1 of a container is no init."""
    script = (
        "import subprocess, sys, time\n"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as careless:
        assert careless.stdout is not None
        child = psutil.Process(int(careless.stdout.readline()))
        began = time.monotonic()
        end([child], patience=20)
        assert time.monotonic() - began < 10
        assert child.status() == psutil.STATUS_ZOMBIE
        careless.kill()


def test_a_process_that_has_got_a_recorded_id_is_not_ours_and_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as stranger:
        started = psutil.Process(stranger.pid).create_time()
        file = tmp_path / "processes.json"
        file.write_text(json.dumps([{"name": "etcd", "pid": stranger.pid, "started": started - 3600}]))
        table = ProcessTable(file)
        assert table.running() == ()
        table.stop(["etcd"], patience=0.5)
        assert stranger.poll() is None
        stranger.kill()


def test_a_program_whose_record_was_never_written_does_not_run(
    table: ProcessTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed_here(_records: object) -> None:
        raise KeyboardInterrupt

    mark = tmp_path / "started"
    before = psutil.Process().children()
    monkeypatch.setattr(table, "_write", killed_here)
    with pytest.raises(KeyboardInterrupt):
        table.start(sleeper(tmp_path, script=f"open({str(mark)!r}, 'w')"))
    children = [child for child in psutil.Process().children() if child not in before]
    psutil.wait_procs(children, timeout=5)
    assert not any(child.is_running() for child in children)
    assert not mark.exists()


def test_the_tail_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert tail(log) == ""
    log.write_text("".join(f"line {number}\n" for number in range(20_000)))
    assert tail(log, lines=2) == "line 19998\nline 19999"


def _lives(record: Record) -> bool:
    try:
        process = psutil.Process(record.pid)
        return process.create_time() == record.started and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
