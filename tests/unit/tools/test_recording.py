"""What a terminal shows, as a picture."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.unit.program import CHECKOUT

PROGRAM = "import sys; print(sys.stdout.isatty()); print('\\033[32mgreen\\033[0m'); print('x' * 105); sys.exit({code})"


def recorded(file: Path, *, code: int = 0, options: tuple[str, ...] = ()) -> int:
    """The exit code of a recording of a small program."""
    words = ["-m", "tools.recording", *options, str(file), "--", sys.executable, "-c", PROGRAM.format(code=code)]
    return subprocess.run([sys.executable, *words], cwd=CHECKOUT, capture_output=True, check=False).returncode


def test_the_command_runs_in_a_terminal_and_its_screen_is_kept(tmp_path: Path) -> None:
    assert recorded(tmp_path / "screen.svg") == 0
    svg = (tmp_path / "screen.svg").read_text(encoding="utf-8")
    assert ">True<" in svg
    assert ">green<" in svg
    assert f">{'x' * 105}<" in svg


def test_only_the_last_lines_are_kept_if_wished(tmp_path: Path) -> None:
    recorded(tmp_path / "screen.svg", options=("--last", "1"))
    assert ">green<" not in (tmp_path / "screen.svg").read_text(encoding="utf-8")


def test_a_command_that_fails_leaves_no_picture(tmp_path: Path) -> None:
    assert recorded(tmp_path / "screen.svg", code=3) == 3
    assert not (tmp_path / "screen.svg").exists()
