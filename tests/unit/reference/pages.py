"""docs/components.md and docs/emulated-resources.md, generated: `python -m tests.unit.reference.pages`."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from rehearsal.emulators.aws.api import Call
from rehearsal.emulators.aws.inputs import table
from rehearsal.emulators.aws.kinds import KINDS
from tests.unit.program import CHECKOUT, STACKS, platform

COMPONENTS, EMULATED = CHECKOUT / "docs" / "components.md", CHECKOUT / "docs" / "emulated-resources.md"
PREFIX = "hello:platform:"

_COMPONENTS = f"""# Components

<!-- Written by `python -m tests.unit.reference.pages` from components/. Change those. -->

Every component's token is `{PREFIX}NAME`. Its arguments are the fields of the dataclass `NAMEArgs` beside it; what
it creates is what the tests' stacks have of it, but for components in it. In which order they are made: `__main__.py`.

| component | file | what it is | arguments | creates |
|---|---|---|---|---|
"""

_EMULATED = """# Emulated resources

<!-- Written by `python -m tests.unit.reference.pages` from rehearsal/emulators/aws/. Change that. -->

The AWS resource types of a rehearsal, with the API operations sent to the emulated account. *Checked* are the inputs
with a rule of AWS's, or that refer to another resource; *replaces* are those whose change makes it anew, as on AWS.
The rules and their sources: `rehearsal/emulators/aws/inputs.yaml`. Any other type is refused by name.

| type | API | operations | checked | replaces |
|---|---|---|---|---|
"""


class Component(NamedTuple):
    """A component's class."""

    name: str
    path: str
    what: str
    arguments: tuple[str, ...]


def components() -> list[Component]:
    """The components, by name."""
    return sorted(one for file in (CHECKOUT / "components").rglob("*.py") for one in _in_module(file))


def _in_module(file: Path) -> Iterator[Component]:
    module = ast.parse(file.read_text(encoding="utf-8"))
    classes = {one.name: one for one in module.body if isinstance(one, ast.ClassDef)}
    for name, one in classes.items():
        tokens = [
            word.value
            for word in ast.walk(one)
            if isinstance(word, ast.Constant) and isinstance(word.value, str) and word.value.startswith(PREFIX)
        ]
        if any(isinstance(base, ast.Attribute) and base.attr == "ComponentResource" for base in one.bases):
            yield Component(
                tokens[0].removeprefix(PREFIX),
                file.relative_to(CHECKOUT).as_posix(),
                (ast.get_docstring(one) or "").split("\n\n")[0].replace("\n", " "),
                tuple(_names(classes.get(f"{name}Args"))),
            )


def _names(arguments: ast.ClassDef | None) -> Iterator[str]:
    """The names of a dataclass' fields."""
    for field in arguments.body if arguments else ():
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            yield field.target.id


def created() -> dict[str, Counter[str]]:
    """The types of what each component creates itself, by its name."""
    found: dict[str, Counter[str]] = {}
    for stack in STACKS:
        graph = platform(stack, preview=False)
        for one in graph.resources.values():
            parent = graph.resources.get(one.parent)
            if parent is not None and parent.type.startswith(PREFIX) and not one.type.startswith(PREFIX):
                kind = one.kind or one.type.rpartition(":")[2]
                found.setdefault(parent.type.removeprefix(PREFIX), Counter())[kind] += 1
    return found


def components_page() -> str:
    """The page of the components."""
    made = created()
    rows = (
        (f"`{one.name}`", f"`{one.path}`", one.what, _codes(one.arguments), ", ".join(sorted(made.get(one.name, ()))))
        for one in components()
    )
    return _COMPONENTS + _table(rows)


def emulated_page() -> str:
    """The page of the emulated resource types."""
    inputs = table()
    rows: list[tuple[str, ...]] = []
    for token, kind in sorted(KINDS.items()):
        steps = (kind.api.create, *kind.api.configure, *kind.api.update, *kind.api.delete)
        names = dict.fromkeys(
            step.operation if isinstance(step, Call) else getattr(step, "__name__", str(step)) for step in steps if step
        )
        checked = sorted({*inputs[token].rules, *inputs[token].references})
        replaces = sorted(inputs[token].replaces)
        rows.append((f"`{token}`", kind.api.service or "ours", _codes(names), _codes(checked), _codes(replaces)))
    return _EMULATED + _table(rows)


def _table(rows: Iterable[Iterable[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _codes(words: Iterable[str]) -> str:
    return " ".join(f"`{word}`" for word in words)


if __name__ == "__main__":
    COMPONENTS.write_text(components_page(), encoding="utf-8")
    EMULATED.write_text(emulated_page(), encoding="utf-8")
