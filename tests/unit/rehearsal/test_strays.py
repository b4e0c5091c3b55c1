"""`python -m rehearsal ps`: which rehearsals run on this machine, and their end."""

from __future__ import annotations

import shutil
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from rehearsal import strays
from rehearsal.cli import app
from rehearsal.layout import RUNS_VARIABLE, Layout
from rehearsal.processes import ProcessTable, Program
from rehearsal.workspace import environment, shell_environment

LISTENER = (
    "import socket, time; one = socket.create_server(('127.0.0.1', {port})); print(1, flush=True); time.sleep(60)"
)
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], env={{}})"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder of rehearsals: that of `live` exists, that of `gone` does not."""
    for name in ("live", "gone"):
        child = "import time; print(1, flush=True); time.sleep(60)"
        command = (sys.executable, "-c", PARENT.format(child=child))
        log = tmp_path / f"{name}.log"
        (tmp_path / name).mkdir()
        ProcessTable(Layout(tmp_path / name).processes).start(Program("parent", command, log, {}))
        while not log.read_text():
            time.sleep(0.01)
    shutil.rmtree(tmp_path / "gone")
    yield tmp_path
    for name in ("live", "gone"):
        strays.end(RUNS_VARIABLE, str(tmp_path / name))


def ps(*arguments: str, answer: str = "") -> Result:
    return CliRunner(env={"COLUMNS": "300"}).invoke(app, ["ps", *arguments], input=answer)


def running(folder: Path) -> dict[str, int]:
    return {one.directory.name: len(one.processes) for one in strays.find(folder)}


def test_it_finds_what_programs_have_started_and_which_directories_are_gone(folder: Path) -> None:
    assert running(folder) == {"live": 2, "gone": 2}
    assert [one.directory.name for one in strays.find(folder) if one.is_stray] == ["gone"]
    assert strays.find(folder / "live" / "below") == []


def test_it_shows_one_line_for_each(folder: Path) -> None:
    head, gone, live = ps(str(folder)).output.splitlines()
    assert head.split() == ["directory", "since", "processes", "memory", "ports"]
    assert gone.startswith(str(folder / "gone"))
    assert gone.rstrip().endswith("stray: the directory is gone")
    assert live.split()[3] == "2"
    assert "stray" not in live


def test_it_shows_the_ports_that_are_listened_on(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = tmp_path / "log"
    command = (sys.executable, "-c", LISTENER.format(port=port))
    ProcessTable(tmp_path / "processes.json").start(Program("listener", command, log, {}))
    try:
        while not log.read_text():
            time.sleep(0.01)
        assert ps(str(tmp_path)).output.split()[-1] == str(port)
    finally:
        strays.end(RUNS_VARIABLE, str(tmp_path))
    assert ps(str(tmp_path)).output == "No rehearsal runs on this machine.\n"


@pytest.mark.parametrize(
    ("options", "answer", "left"),
    [
        ((), "", {"live": 2, "gone": 2}),
        (("--end",), "n\n", {"live": 2}),
        (("--end",), "y\n", {}),
        (("--end", "--yes"), "", {}),
    ],
)
def test_it_ends_strays_and_asks_about_the_others(
    folder: Path, options: tuple[str, ...], answer: str, left: dict[str, int]
) -> None:
    result = ps(str(folder), *options, answer=answer)
    assert result.exit_code == 0
    assert ("[y/N]" in result.output) == bool(answer)
    assert running(folder) == left


def test_an_engine_counts_and_a_users_shell_does_not(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.control_plane.mkdir()
    (layout.control_plane / "ports.json").write_text('{"aws": 1}')
    assert environment(layout)[RUNS_VARIABLE] == str(tmp_path)
    assert RUNS_VARIABLE not in shell_environment(layout)
