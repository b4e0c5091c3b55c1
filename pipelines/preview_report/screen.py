"""The preview report for a terminal: what is lost first, then each change with its values, what is new in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.text import Text

from pipelines.preview_report.costs import sentence
from pipelines.preview_report.events import ORDER, Change, Preview

MANY = 30
"""New resources up to which each is named; above, they are counted by component."""

_LOOKS = {"deleted": ("-", "red"), "replaced": ("±", "magenta"), "changed": ("~", "yellow"), "created": ("+", "green")}
"""Sign and colour of each verb."""


def show(console: Console, stack: str, preview: Preview, *, verbose: bool) -> None:
    """Prints a preview that succeeded.

    Args:
        console: Where to.
        stack: The stack's name.
        preview: What would change.
        verbose: Whether each new resource is named, however many there are.
    """
    for warning in dict.fromkeys(preview.warnings):
        _line(console, f"warning: {warning}", "yellow")
    for verb in ORDER:
        sign, style = _LOOKS[verb]
        changes = [change for change in preview.changes if change.verb == verb]
        if verb == "created" and len(changes) > MANY and not verbose:
            for line in _by_component(changes):
                _line(console, f"  {sign} {line}", style)
            continue
        for change in changes:
            caution = ": its data would be lost" if change.loses_data else ""
            _line(console, f"  {sign} {verb} {change.type} {change.name}{caution}", style)
            for difference in change.differences:
                _line(console, f"      {difference}", "")
    _line(console, f"Preview of stack {stack}: {preview.counts() or 'nothing would change'}", "bold")
    if costs := sentence(preview):
        _line(console, costs, "")


def _by_component(changes: Sequence[Change]) -> Iterable[str]:
    """Numbers of new resources by component, the largest first."""
    for component, number in Counter(change.component for change in changes).most_common():
        yield f"{number} created in {component}"


def _line(console: Console, text: str, style: str) -> None:
    console.print(Text(text, style=style), soft_wrap=True, highlight=False)
