"""The preview report in Markdown."""

from __future__ import annotations

from pipelines.preview_report.costs import sentence
from pipelines.preview_report.events import Change, Preview

LIMIT = 65_536
"""Most characters of a comment. https://github.com/orgs/community/discussions/27190 ."""


def render(preview: Preview, stack: str, limit: int = LIMIT) -> str:
    """The report: a summary, then the changes that lose data, then all others, as many as the limit allows.

    Args:
        preview: The preview.
        stack: Name of the stack.
        limit: Most characters of the report.
    """
    if preview.failed:
        reasons = preview.errors or ("The engine ended before the preview was complete.",)
        lines = [f"- {_plain(reason)}" for reason in reasons]
        return _fit([f"## ❌ Preview of `{stack}` failed", "", "It is not known what `up` would do."], lines, limit)
    lost = [change for change in preview.changes if change.loses_data]
    head = [f"## Preview of `{stack}`", "", preview.counts("**{}** {}") or "Nothing would change."]
    if costs := sentence(preview):
        head += ["", costs]
    warnings = [f"- **{change.verb}**: {_line(change)}" for change in lost]
    if warnings:
        head += ["", f"> [!CAUTION]\n> **Resources that hold data would be replaced or deleted: {len(warnings)}.**"]
    others = [f"- {change.verb}: {_line(change)}" for change in preview.in_order() if not change.loses_data]
    return _fit(head, [*warnings, *others], limit)


def _line(change: Change) -> str:
    paths = ", ".join(f"`{_code(path)}`" for path in change.differences)
    return f"`{_code(change.type)}` `{_code(change.name)}`" + (f": {paths}" if paths else "")


def _fit(head: list[str], lines: list[str], limit: int) -> str:
    """As many lines as the limit allows, and the number of those left out."""
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
