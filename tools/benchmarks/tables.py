"""Markdown tables, and their sections in a document."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from rehearsal.errors import RehearsalError


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def replace_section(document: Path, section: str, text: str) -> None:
    """Replaces the text between a document's marks `<!-- SECTION: begin -->` and `<!-- SECTION: end -->`.

    Raises:
        RehearsalError: The document has no such marks.
    """
    begin, end = (f"<!-- {section}: {word} -->" for word in ("begin", "end"))
    content = document.read_text(encoding="utf-8")
    pattern = re.compile(f"(?<={re.escape(begin)}\n).*(?={re.escape(end)})", re.DOTALL)
    if not pattern.search(content):
        raise RehearsalError(
            f"{document.name} has no section {section}",
            remedy=f"put the lines {begin} and {end} where the table belongs.",
        )
    document.write_text(pattern.sub(lambda _: f"{text}\n", content), encoding="utf-8")
