"""Tables for people: whole names on any screen, and notes below a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.text import Text

GAP = 2
"""Columns between two cells."""

INDENT = 4
"""Columns before a note."""


@dataclass(frozen=True)
class Row:
    """A row.

    Attributes:
        cells: Its cells, the most important one first; empty ones at the end may be left out.
        notes: What else there is to say, below it.
    """

    cells: Sequence[Text | str]
    notes: Sequence[Text | str] = ()


@dataclass(frozen=True)
class Sheet:
    """A table with a heading.

    No cell is cut: where the screen is too narrow, the last column goes below each row, and then the one before it.

    Attributes:
        title: The heading; empty for none.
        columns: Names of the columns.
        rows: The rows.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Row]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """The lines that fit a screen."""
        lines = [[_text(cell) for cell in row.cells] for row in self.rows]
        widths = [
            max(cell_len(name), *(line[number].cell_len for line in lines if number < len(line)), 0)
            for number, name in enumerate(self.columns)
        ]
        shown = len(widths)
        while shown > 1 and sum(widths[:shown]) + GAP * (shown - 1) > options.max_width:
            shown -= 1
        if self.title:
            yield Text(self.title, style="italic")
        yield _line([Text(name, style="bold") for name in self.columns], widths[:shown])
        for row, cells in zip(self.rows, lines, strict=True):
            yield _line(cells, widths[:shown])
            below = [
                Text.assemble(f"{name} ", cell)
                for name, cell in zip(self.columns[shown:], cells[shown:], strict=False)
                if cell
            ]
            for note in (*below, *map(_text, row.notes)):
                # A word that is longer than the screen is left to the terminal, whole, so that it can be copied.
                width = options.max_width - INDENT
                for line in wrap(note.plain, width, break_long_words=False, break_on_hyphens=False):
                    yield Text(" " * INDENT + line, style=note.style, no_wrap=True, overflow="ignore")


def _text(cell: Text | str) -> Text:
    return Text(cell) if isinstance(cell, str) else cell.copy()


def _line(cells: Sequence[Text], widths: Sequence[int]) -> Text:
    line = Text(no_wrap=True, overflow="ignore")
    for cell, width in zip(cells, widths, strict=False):
        line.append_text(cell)
        line.append(" " * (width - cell.cell_len + GAP))
    line.rstrip()
    return line
