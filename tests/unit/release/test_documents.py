"""What docs/releases.md says of steps, exit codes and refusals is what the code has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.layout import CHECKOUT
from release.errors import ExitCode
from tests.unit.release.diagram import DOCUMENT, SECTION, diagrams

TEXT = DOCUMENT.read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, without its head."""
    section = TEXT.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def template(expression: ast.expr) -> str:
    """A message in the source with an ellipsis in place of each value."""
    match expression:
        case ast.Constant(value):
            return str(value)
        case ast.JoinedStr(values):
            return "".join(template(value) for value in values)
        case _:
            return "…"


def messages(source: Path) -> Iterator[str]:
    """The messages of a module's refusals and errors, but for those that are passed on."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Name("Refusal" | "ReleaseError"), args=[message, *_]):
                if template(message) != "…":
                    yield template(message)
            case _:
                pass


def test_the_picture_of_the_steps_is_the_plans() -> None:
    """`python -m tests.unit.release.diagram` draws it anew."""
    drawn = re.search(f"<!-- {SECTION}: begin -->\n(.*)<!-- {SECTION}: end -->", TEXT, re.DOTALL)
    assert drawn is not None
    assert drawn[1].strip() == diagrams()


def test_each_exit_code_is_told_by_its_name() -> None:
    told = {int(code): name for code, name, _ in rows("Exit codes")}
    assert told == {int(code): code.name.lower().replace("_", " ") for code in ExitCode}


def test_each_refusal_is_told_with_what_to_do() -> None:
    told = rows("What to do when it refuses")
    in_code = {message for source in (CHECKOUT / "release").rglob("*.py") for message in messages(source)}
    assert len(in_code) > 20, "the source is read"
    assert {message for message, *_ in told} == in_code
    assert all(why and remedy for _, why, remedy in told)


def test_each_event_is_told_by_its_reason() -> None:
    (told,) = (what for name, what in rows("What is kept in the cluster") if name.startswith("Events"))
    reasons: set[str] = set()
    for source in (CHECKOUT / "release").rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                written = [node.args[1]] if getattr(node.func, "attr", "") == "_event" else []
                if ast.unparse(node.func) == "events.write":
                    written = [one.value for one in node.keywords if one.arg == "reason"]
                reasons |= {text for one in written for text in re.findall(r"'([A-Z]\w+)'", ast.unparse(one))}
    assert reasons >= {"Switched", "Repaired", "RolledBack"}
    assert set(re.findall("`(.*?)`", told)) == reasons


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('raise ReleaseError(f"no {name} in {place}: none", remedy="-")', ["no … in …: none"]),
        ("Refusal(reason, remedy)", []),
        ('Refusal("one " f"of {two}", "x")', ["one of …"]),
    ],
)
def test_messages_are_read_from_the_source(source: str, found: list[str], tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text(source)
    assert list(messages(file)) == found
