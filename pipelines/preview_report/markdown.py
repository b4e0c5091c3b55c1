"""A preview in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pipelines.preview_report.events import Change, Preview

LIMIT = 65_536
"""Characters of a comment. https://github.com/orgs/community/discussions/27190 ."""

_ORDER = ("deleted", "replaced", "changed", "created")


def render(preview: Preview, stack: str, limit: int = LIMIT) -> str:
    """The comment: what would be lost first, then a summary, then each change as far as there is room.

    Args:
        preview: What to tell.
        stack: Name of the stack.
        limit: Most characters.
    """
    if preview.failed:
        reasons = preview.errors or ("The engine ended before the preview was whole.",)
        lines = [f"- {_plain(reason)}" for reason in reasons]
        return _fitted(
            [f"## ❌ Preview of `{stack}` failed", "", "Nothing is known of what `up` would do."], lines, limit
        )
    counts = Counter(change.verb for change in preview.changes)
    summary = ", ".join(f"**{counts[verb]}** {verb}" for verb in reversed(_ORDER) if counts[verb])
    lost = [change for change in preview.changes if change.loses_data]
    head = [f"## Preview of `{stack}`", "", summary or "Nothing would change."]
    warned = [f"- **{one.verb}**: {_named(one)}" for one in lost]
    if warned:
        head += ["", f"> [!CAUTION]\n> **{len(warned)} that hold data would be replaced or deleted.**"]
    lines = [*warned, *_listed(change for change in preview.changes if not change.loses_data)]
    return _fitted(head, lines, limit)


def _listed(changes: Iterable[Change]) -> list[str]:
    told = sorted(changes, key=lambda one: _ORDER.index(one.verb))
    return [f"- {one.verb}: {_named(one)}" for one in told]


def _named(change: Change) -> str:
    paths = ", ".join(f"`{_code(path)}`" for path in change.differences)
    return f"`{_code(change.type)}` `{_code(change.name)}`" + (f": {paths}" if paths else "")


def _fitted(head: list[str], lines: list[str], limit: int) -> str:
    """As many lines as there is room for, and how many there was none for."""
    text, left_out = "\n".join([*head, ""]), "\n- … and {} more: see the log of the run\n"
    room = limit - len(left_out) - len(str(len(lines)))
    for index, line in enumerate(lines):
        if len(text) + len(line) + 1 > room:
            return text + left_out.format(len(lines) - index)
        text += f"\n{line}"
    return text + "\n"


def _code(text: str) -> str:
    return text.replace("`", "'").replace("\n", " ")


def _plain(text: str) -> str:
    return f"`{_code(text)[:4000]}`"
