"""What a machine lacks for `make up`, each with what to do."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from filelock import FileLock

from rehearsal import strays, toolchain
from rehearsal.layout import RUNS_VARIABLE
from rehearsal.network import namespace
from rehearsal.toolchain import golang
from tools import doctor
from tools.findings import Finding, show
from tools.program.graph import every

GIB = doctor.GIB


def test_it_names_what_every_part_needs_in_order() -> None:
    subjects = [one.subject for one in doctor.findings()]
    assert list(dict.fromkeys(subjects))[:8] == [
        "system", "Python", "cores", "memory", "programs", "disk", "network", "front door",
    ]  # fmt: skip


def test_another_system_than_linux_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.system().level == "ok"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert doctor.system().level == "stop"


def test_one_core_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    def one_core(_: int) -> set[int]:
        return {0}

    monkeypatch.setattr(os, "sched_getaffinity", one_core)
    assert doctor.cores().level == "look"


@pytest.mark.parametrize(
    ("total", "available", "level"), [(16, 9, "ok"), (8, 5, "ok"), (6, 5, "look"), (16, 3, "stop")]
)
def test_memory(monkeypatch: pytest.MonkeyPatch, total: int, available: int, level: str) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=total * GIB))
    monkeypatch.setattr(golang, "available_memory", lambda: available * GIB)
    assert doctor.memory().level == level


def test_a_full_disk_stops_before_there_is_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def usage(path: Path) -> Any:
        assert path == tmp_path
        return SimpleNamespace(free=10 * GIB)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    folder = tmp_path / "not" / "there"
    assert doctor.disk(folder, need=doctor.SPACE).level == "ok"
    found = doctor.disk(folder, need=doctor.SPACE_TO_BUILD)
    assert found.level == "stop"
    assert toolchain.CACHE_VARIABLE in found.remedy


def test_without_go_and_without_an_index_it_stops(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(toolchain.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    found = doctor.programs(is_built=False)
    assert (found.level, "no `go` on PATH" in found.fact) == ("stop", True)
    assert "install Go" in found.remedy


def test_with_go_it_says_that_programs_will_be_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def ensure(*_: object) -> Path:
        return tmp_path / "go"

    monkeypatch.setattr(golang, "ensure", ensure)
    assert doctor.programs(is_built=False).level == "look"
    assert doctor.programs(is_built=True).level == "ok"


def test_a_machine_without_namespaces_says_why_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespace, "refusal", lambda: "nft cannot be found; install nftables")
    assert doctor.network() == Finding(
        "look", "network", "nft cannot be found: no request reaches a pod", "install nftables"
    )


def test_a_machine_without_haproxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.running, "program", lambda: None)
    assert doctor.front_door().remedy == "apt-get install haproxy"


def test_a_stack_that_a_command_is_at_work_on_is_told(tmp_path: Path) -> None:
    (tmp_path / "prod.lock").touch()
    assert list(doctor.locks(tmp_path)) == []
    with FileLock(tmp_path / "dev.lock"):
        (found,) = doctor.locks(tmp_path)
    assert (found.level, found.fact) == ("look", "a command is at work on stack dev")
    assert list(doctor.locks(tmp_path)) == []


def test_a_port_of_a_stack_that_somebody_else_has_stops(tmp_path: Path) -> None:
    file = tmp_path / "dev" / "control-plane" / "ports.json"
    file.parent.mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        file.write_text(json.dumps({"etcd": 1, "aws": port}))
        (found,) = doctor.taken_ports(tmp_path)
    assert (found.level, found.subject) == ("stop", "port")
    assert f"{port} (aws of stack dev) is taken by process {os.getpid()}" in found.fact
    assert list(doctor.taken_ports(tmp_path)) == []


def test_processes_whose_directory_is_gone_are_told_with_the_command_that_ends_them(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(command, env={**os.environ, RUNS_VARIABLE: str(gone)}) as process:
        try:
            (found,) = every(one for one in doctor.rehearsals() if str(gone) in one.fact)
        finally:
            process.kill()
    assert (found.level, found.remedy) == ("look", "python -m rehearsal ps --end")
    assert not [one for one in strays.find(tmp_path) if one.directory == gone]


def test_the_exit_code_says_whether_something_stops(capsys: pytest.CaptureFixture[str]) -> None:
    assert show([Finding("ok", "a", "b"), Finding("look", "c", "d", "e")]) == 0
    assert show([Finding("stop", "f", "g", "h")]) == 1
    assert "→ h" in capsys.readouterr().out
