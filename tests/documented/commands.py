"""Reads the commands of the documents, and the table of what runs them (`commands.yaml`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.unit.program import CHECKOUT

DOCUMENTS = [
    *(CHECKOUT / name for name in ("README.md", "README.ko.md", "CONTRIBUTING.md", "SECURITY.md")),
    # Decisions tell of the past.
    *sorted(file for file in (CHECKOUT / "docs").rglob("*.md") if "decisions" not in file.parts),
]

_PROGRAMS = "make python python3 pulumi kubectl aws curl docker helm git apt-get gh openssl dig GET POST PUT DELETE"
_COMMAND = re.compile(rf"(\$ )?([A-Z_]+=\S+ )*(\.venv/bin/)?({'|'.join(_PROGRAMS.split())}) \S")
_FENCE = re.compile(r"^( *)```(\S*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`\n]+(?:\n[^`\n|]+)?)`(?!`)")
_PLACES = re.compile(r"\[OPTIONS\]")
"""The usage of a command, in the generated page of command lines."""


def commands(text: str) -> list[str]:
    """The commands of a document, in fenced blocks and in code spans: without prompt, comment and the venv's path."""
    lines = [line.strip() for block in _FENCE.finditer(text) for line in block[3].replace("\\\n", "").splitlines()]
    spans = [" ".join(span.split()) for span in _SPAN.findall(_FENCE.sub("", text))]
    return [
        re.sub(r"^\$ |\s+#\s.*$|\.venv/bin/(?=python)", "", one).strip().replace("\\|", "|")
        for one in [*lines, *spans]
        if _COMMAND.match(one) and not _PLACES.search(one)
    ]


@cache
def documented() -> Mapping[str, list[str]]:
    """Each command with the documents that have it, in their order."""
    found: dict[str, list[str]] = {}
    for file in DOCUMENTS:
        for command in commands(file.read_text(encoding="utf-8")):
            found.setdefault(command, []).append(str(file.relative_to(CHECKOUT)))
    return found


@cache
def table() -> list[tuple[str, str, str]]:
    """The rows of the table: a regular expression of commands; `test`, `rehearsal` or `aws`; what is said of them."""
    content: Mapping[str, Mapping[str, Any]] = yaml.safe_load(
        Path(__file__).with_name("commands.yaml").read_text(encoding="utf-8")
    )
    return [(pattern, kind, str(said)) for kind, rows in content.items() for pattern, said in rows.items()]


def rows_of(command: str) -> Iterator[tuple[str, str, str]]:
    """The rows of the table that a command is in."""
    return (row for row in table() if re.fullmatch(row[0], command))


def of_the_rehearsal() -> list[tuple[str, str]]:
    """The commands that `tests/rehearsal/test_documents.py` runs as they stand, and what each has to print."""
    return [(one, said) for one in documented() for _, kind, said in rows_of(one) if kind == "rehearsal"]
