"""Each command of the README and the documents is run by a test, or is for an AWS account."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import typer

from rehearsal.cli import app as rehearsal
from release.cli import app as release
from tests.documented.commands import commands, documented, rows_of, table
from tests.unit.test_docs import TESTS
from tools.program.graph import every

PROGRAMS: dict[str, Any] = {
    name: typer.main.get_command(app) for name, app in {"release": release, "rehearsal": rehearsal}.items()
}
OWN = [
    (program, match[1])
    for command in documented()
    for program in PROGRAMS
    for match in re.finditer(rf"python -m {program} ([a-z][^|>()<]*)", command.replace("$(python", "( python"))
]
"""Commands of the two programs, also those inside of others, with what comes after the program."""


def test_every_command_is_in_one_row_of_the_table() -> None:
    assert len(documented()) > 200
    found = {command: [pattern for pattern, _, _ in rows_of(command)] for command in documented()}
    assert {command: rows for command, rows in found.items() if len(rows) != 1} == {}


def test_every_row_of_the_table_has_a_command() -> None:
    rows = {pattern for command in documented() for pattern, _, _ in rows_of(command)}
    assert [pattern for pattern, _, _ in table() if pattern not in rows] == []


def test_every_test_of_the_table_is_there() -> None:
    named = every([said for _, kind, said in table() if kind == "test"], "test")
    assert [name for name in named if name not in TESTS] == []


def test_no_command_is_left_to_an_account_without_a_reason() -> None:
    assert [pattern for pattern, kind, said in table() if kind == "aws" and len(said.split()) < 2] == []


@pytest.mark.parametrize(("program", "words"), OWN, ids=[f"{program} {words}"[:80] for program, words in OWN])
def test_a_program_takes_what_is_written(program: str, words: str) -> None:
    name, *rest = shlex.split(words)
    if not rest:
        return
    command = PROGRAMS[program].commands.get(name)
    assert command is not None, f"there is no command {name}"
    if rest[-1] == "--image":  # the image comes after it, or the sentence ends
        rest.append("…")
    command.make_context(name, rest)


def test_commands_are_read_as_a_person_reads_them() -> None:
    text = (
        "Say `make up`.\n\n```\n$ kubectl get \\\n  pods  # all\nNAME\n```\n   ```\n   .venv/bin/python -m x\n   ```\n"
    )
    assert commands(text) == ["kubectl get   pods", "python -m x", "make up"]
