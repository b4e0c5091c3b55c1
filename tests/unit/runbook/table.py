"""docs/refusals.md, from the source: `python -m tests.unit.runbook.table`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.unit.program import CHECKOUT
from tests.unit.release.test_documents import template

PAGE = CHECKOUT / "docs" / "refusals.md"

SETTINGS = ("config/checks", "components/cluster/live.py")
PREFLIGHT = ("tools/preflight",)

_HEAD = """\
# Refusals, one by one

<!-- Written by `python -m tests.unit.runbook.table` from the sources that each table names. Change those. -->

"…" stands for names and values. What to do is in the message itself.
"""

_SETTINGS = """
## Settings

`pulumi preview` and `up` refuse all of these at once, before anything is changed. Those of single values (types,
ranges, unknown keys) have the words of [Configuration](configuration.md).

| what you see, after the key | why | where |
|---|---|---|
"""

_PREFLIGHT = """
## Preflight

`stop` is what the first `pulumi up` would fail of, `look` what it may fail of, or what is a person's to do.

| | what you see | what to do | why it is asked |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Refusal:
    """A call in the source that refuses something.

    Attributes:
        name: The called function: `Problem`, `stop` or `look`.
        texts: Its arguments, with an ellipsis in place of each value.
        why: The first paragraph of the docstring around it.
        place: The module.
    """

    name: str
    texts: tuple[str, ...]
    why: str
    place: str


def refusals(places: tuple[str, ...], names: frozenset[str]) -> Iterator[Refusal]:
    """The refusals in some folders and files, in the order of the source."""
    for place in places:
        path = CHECKOUT / place
        for source in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            yield from in_module(source.read_text(encoding="utf-8"), source.relative_to(CHECKOUT).as_posix(), names)


def in_module(text: str, place: str, names: frozenset[str]) -> Iterator[Refusal]:
    """The refusals of one module."""
    module = ast.parse(text)
    for statement in module.body:
        why = (ast.get_docstring(statement) if isinstance(statement, ast.FunctionDef) else None) or ""
        for node in ast.walk(statement):
            match node:
                case ast.Call(func=ast.Name(name), args=arguments) if name in names:
                    why = why or ast.get_docstring(module) or ""
                    paragraph = " ".join(why.split("\n\n")[0].split())
                    yield Refusal(name, tuple(map(template, arguments)), paragraph, place)
                case _:
                    pass


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ") or "…"


def page() -> str:
    """The page."""
    settings = [
        f"| {_cell(text)} | {_cell(one.why)} | `{Path(one.place).name}` |"
        for one in refusals(SETTINGS, frozenset({"Problem"}))
        for text in [": ".join(part for part in one.texts[1:] if part)]
    ]
    preflight = [
        f"| {one.name} | {_cell(': '.join(one.texts[:2]))} | {_cell(one.texts[2])} | {_cell(one.why)} |"
        for one in refusals(PREFLIGHT, frozenset({"stop", "look"}))
    ]
    return _HEAD + _SETTINGS + "\n".join(settings) + "\n" + _PREFLIGHT + "\n".join(preflight) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
