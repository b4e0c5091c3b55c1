"""docs/cli.md is what the programs say of themselves."""

from __future__ import annotations

import shlex

import pytest
from typer.testing import CliRunner

from release.cli import app
from release.cli.examples import EXAMPLES
from tests.unit.program import CHECKOUT
from tools.command_lines import PAGE, page


def test_the_page_is_current() -> None:
    """`python -m tools.command_lines` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_command_has_examples() -> None:
    assert set(EXAMPLES) == {command.callback.__name__ for command in app.registered_commands if command.callback}


LINES = [
    words
    for lines in EXAMPLES.values()
    for line in lines
    if (words := shlex.split(line.replace("…", "ab" * 32), comments=True))[:3] == ["python", "-m", "release"]
]


@pytest.mark.parametrize("words", LINES, ids=" ".join)
def test_an_example_has_options_that_its_command_takes(words: list[str]) -> None:
    _, _, _, command, *rest = words
    told = CliRunner().invoke(app, [command, "--help"]).output
    options = [word for word in rest if word.startswith("--")]
    assert [option for option in options if option not in told] == []


def test_the_page_is_on_the_site() -> None:
    assert "cli.md" in (CHECKOUT / "mkdocs.yml").read_text(encoding="utf-8")
