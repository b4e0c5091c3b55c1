"""The README in English and in Korean: one structure, the same commands, and no longer than two screens."""

from __future__ import annotations

import re

import pytest

from tests.unit.program import CHECKOUT
from tools.program.graph import every

ENGLISH, KOREAN = ((CHECKOUT / name).read_text(encoding="utf-8") for name in ("README.md", "README.ko.md"))
LANGUAGES = pytest.mark.parametrize("text", [ENGLISH, KOREAN], ids=["English", "Korean"])
LONGEST = 120
"""Lines: two screens."""


def headings(text: str) -> list[str]:
    """The level of each heading, as its number signs."""
    return every(re.findall(r"^(#+) ", text, re.MULTILINE), "heading")


def targets(text: str) -> list[str]:
    """Where each link and picture leads, without the links between the two."""
    found = every(re.findall(r"\]\(([^)]+)\)", text), "link")
    return [one for one in found if not one.startswith("README")]


def commands(text: str) -> list[str]:
    """Blocks of commands and their output, and the commands in tables."""
    return every(re.findall(r"^```\n.*?^```|^\| [^|]*`[^|]*\|", text, re.MULTILINE | re.DOTALL), "command")


def test_both_have_the_same_headings() -> None:
    assert headings(ENGLISH) == headings(KOREAN)


def test_both_have_the_same_commands() -> None:
    assert commands(ENGLISH) == commands(KOREAN)


def test_both_lead_to_the_same_pages() -> None:
    assert targets(ENGLISH) == targets(KOREAN)


@LANGUAGES
def test_it_is_no_longer_than_two_screens(text: str) -> None:
    assert len(text.splitlines()) <= LONGEST
