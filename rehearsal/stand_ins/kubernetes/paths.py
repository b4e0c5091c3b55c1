"""Pulumi's property paths, e.g. `spec.template.spec.containers[0].image` or `metadata.labels["a.b/c"]`."""

from __future__ import annotations

import re
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""Names of fields and indices into lists; the name `*` stands for any of either."""

_STEP = re.compile(r"""\.?(?:\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|\[(\*)\]|([^.\[\]"]+))""")
_NEEDS_QUOTES = frozenset('."[]')


def parse(text: str) -> Path:
    """Reads a path.

    Raises:
        ValueError: It is none.
    """
    steps: list[str | int] = []
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            raise ValueError(f"{text!r} is no property path: {text[position:]!r} is not understood")
        quoted, index, star, name = match.groups()
        if index is not None:
            steps.append(int(index))
        else:
            steps.append(quoted.replace('\\"', '"') if quoted is not None else star or name)
        position = match.end()
    return tuple(steps)


def render(path: Path) -> str:
    """Writes a path in the form that `parse` and the engine read."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _NEEDS_QUOTES.intersection(step):
            escaped = step.replace('"', '\\"')
            text += f'["{escaped}"]'
        else:
            text += f".{step}" if text else step
    return text


def contains(outer: Path, inner: Path) -> bool:
    """Whether `inner` is the value at `outer`, or a part of it."""
    return len(outer) <= len(inner) and all(
        step in ("*", other) for step, other in zip(outer, inner[: len(outer)], strict=True)
    )
