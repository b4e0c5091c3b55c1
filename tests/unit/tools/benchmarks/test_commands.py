"""The benchmark of a rehearsal's commands, with a checkout that only notes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rehearsal.errors import RehearsalError
from tools.benchmarks import commands

NOTES = """
import json, sys
with open({log!r}, "a") as log:
    print(json.dumps(sys.argv[1:]), file=log)
sys.exit({code})
"""
STOP = "def stop(layout):\n    open({log!r}, 'a').write('\"stop\"\\n')\n"
LAYOUT = "def Layout(directory):\n    assert directory.name == 'dev'\n"


def checkout(folder: Path, *, code: int = 0) -> Path:
    package, log = folder / "rehearsal", str(folder / "log")
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(NOTES.format(log=log, code=code))
    (package / "control_plane.py").write_text(STOP.format(log=log))
    (package / "layout.py").write_text(LAYOUT)
    return folder


def test_each_command_is_timed_in_one_fresh_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "document.md"
    document.write_text("before\n<!-- bench-commands: begin -->\n<!-- bench-commands: end -->\n")
    commands.commands(stack="dev", repeat=2, checkout=checkout(tmp_path), document=document)
    ran = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    order = ["up", "up", "up", "stop", "up", "preview", "preview", "status", "status", "down"]
    assert [one if one == "stop" else one[0] for one in ran] == order
    (directory,) = {one[one.index("--directory") + 1] for one in ran if one != "stop"}
    assert not Path(directory).parent.exists()
    stacks = str(tmp_path / "tests" / "fixtures" / "stacks")
    assert all((one[-1] == stacks) == (one[0] in {"up", "preview"}) for one in ran if one != "stop")
    head, _, *rows = capsys.readouterr().out.splitlines()
    assert head == "| command | wall | CPU |"
    assert [row.split("|")[1].strip() for row in rows] == [
        "first `make up`",
        "`make up`, no changes",
        "`make up`, no changes, after the end of all processes",
        "`make preview`, no changes",
        "`make status`",
        "`make down`",
    ]
    assert rows[-1] in document.read_text()


def test_a_command_that_fails_ends_it(tmp_path: Path) -> None:
    with pytest.raises(RehearsalError, match=r"-m rehearsal up .* failed"):
        commands.commands(stack="dev", repeat=1, checkout=checkout(tmp_path, code=3), document=None)
