"""A property's value before and after, as a comment may show it: no secret, and not all of a long text. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, cast

SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Key by which the engine marks what is not a plain value, a secret above all.

https://github.com/pulumi/pulumi/blob/v3.260.0/sdk/go/common/resource/sig/sig.go
"""

MASK = "[secret]"
"""Also what the engine writes in an event in a secret's place."""

SECRET_WORDS = re.compile(r"secret|password|passphrase|token|credential|private.?key|certificate", re.IGNORECASE)
"""A value is not shown where its path says that it may be one, though neither program nor provider marked it."""

LONGEST = 60
"""Characters of a value."""

_STEP = re.compile(r'\["(?P<quoted>(?:[^"\\]|\\.)*)"\]|\[(?P<index>\d+)\]|(?P<name>[^.\[]+)')
_MISSING = object()


def change(metadata: Mapping[str, Any], path: str) -> str:
    """` 30 → 14`, ` → "new"`, ` "old" →`; nothing where neither side is known.

    Args:
        metadata: Of the engine's event of a resource.
        path: The property's, as the engine writes it, e.g. `spec.ports[0].port`.
    """
    before, after = _side(metadata, "old", path), _side(metadata, "new", path)
    if before is _MISSING and after is _MISSING:
        return ""
    hidden = "core/v1:Secret" in metadata["type"] or SECRET_WORDS.search(path)
    told = ["" if one is _MISSING else MASK if hidden else shown(one) for one in (before, after)]
    return f" {' → '.join(told)}".replace("  ", " ").rstrip()


def shown(value: Any) -> str:
    """A value in one line."""
    text = json.dumps(_masked(value), ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _masked(value: Any) -> Any:
    if isinstance(value, list):
        return [_masked(item) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    held = cast("dict[str, Any]", value)
    if _is_marked(held):
        return MASK
    return {key: MASK if SECRET_WORDS.search(key) else _masked(item) for key, item in held.items()}


def _side(metadata: Mapping[str, Any], side: str, path: str) -> Any:
    """What the program said there; a secret that the path leads through is the secret."""
    state: Mapping[str, Any] = metadata.get(side) or {}
    here: Any = state.get("inputs")
    for step in _STEP.finditer(path):
        if _is_marked(here):
            return MASK
        try:
            here = here[int(step["index"])] if step["index"] else here[step["quoted"] or step["name"]]
        except (KeyError, IndexError, TypeError):
            return _MISSING
    return here


def _is_marked(value: Any) -> bool:
    return isinstance(value, dict) and SIGNATURE in value
