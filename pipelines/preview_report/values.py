"""A property's value before and after, for a comment: secrets are masked, long values cut."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, cast

SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Key of objects with which the engine encodes special values, such as secrets.

https://github.com/pulumi/pulumi/blob/v3.260.0/sdk/go/common/resource/sig/sig.go
"""

MASK = "[secret]"
"""Text in place of a secret; the engine writes the same in events."""

SECRET_WORDS = re.compile(r"secret|password|passphrase|token|credential|private.?key|certificate", re.IGNORECASE)
"""Words in the path of a value that is masked even if neither program nor provider marked it as a secret."""

LONGEST = 60
"""Most characters of a value."""

_URL_SECRETS = (
    (re.compile(r"(?<=://)[^/\s?#]*@"), f"{MASK}@"),
    (
        re.compile(
            r"(?<=[?&])([^=&\s]*(?:sig|key|secret|passw|token|credential|code|auth)[^=&\s]*=)[^&\s#]+", re.IGNORECASE
        ),
        rf"\g<1>{MASK}",
    ),
    # Whoever has such a URL may post: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    (
        re.compile(
            r"(?<=://)(hooks\.slack\.com/services/|discord(?:app)?\.com/api/webhooks/|[\w.-]+\.webhook\.office\.com/)[^\s?#]+"
        ),
        rf"\g<1>{MASK}",
    ),
)
"""Parts of a URL that let in whoever has them, and what stands in their place."""

_STEP = re.compile(r'\["(?P<quoted>(?:[^"\\]|\\.)*)"\]|\[(?P<index>\d+)\]|(?P<name>[^.\[]+)')
_MISSING = object()


def change(metadata: Mapping[str, Any], path: str) -> str:
    """A change of a value: ` 30 → 14`, ` → "new"` or ` "old" →`; empty if neither value is known.

    Args:
        metadata: Metadata of the engine's event on a resource.
        path: Path of the property in the engine's notation, e.g. `spec.ports[0].port`.
    """
    before, after = _side(metadata, "old", path), _side(metadata, "new", path)
    if before is _MISSING and after is _MISSING:
        return ""
    hidden = "core/v1:Secret" in metadata["type"] or SECRET_WORDS.search(path)
    sides = ["" if value is _MISSING else MASK if hidden else shown(value) for value in (before, after)]
    return f" {' → '.join(sides)}".replace("  ", " ").rstrip()


def shown(value: Any) -> str:
    """A value in one line."""
    text = json.dumps(_masked(value), ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _masked(value: Any) -> Any:
    if isinstance(value, list):
        return [_masked(item) for item in cast("list[Any]", value)]
    if isinstance(value, str):
        return _without_url_secrets(value)
    if not isinstance(value, dict):
        return value
    items = cast("dict[str, Any]", value)
    if _is_marked(items):
        return MASK
    return {key: MASK if SECRET_WORDS.search(key) else _masked(item) for key, item in items.items()}


def _without_url_secrets(text: str) -> str:
    for pattern, replacement in _URL_SECRETS:
        text = pattern.sub(replacement, text)
    return text


def _side(metadata: Mapping[str, Any], side: str, path: str) -> Any:
    """The input at a path, before or after; a mask if it is inside a secret."""
    state: Mapping[str, Any] = metadata.get(side) or {}
    value: Any = state.get("inputs")
    for step in _STEP.finditer(path):
        if _is_marked(value):
            return MASK
        try:
            value = value[int(step["index"])] if step["index"] else value[step["quoted"] or step["name"]]
        except (KeyError, IndexError, TypeError):
            return _MISSING
    return value


def _is_marked(value: Any) -> bool:
    return isinstance(value, dict) and SIGNATURE in value
