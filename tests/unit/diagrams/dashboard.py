"""docs/images/dashboard.svg, an outline of prod's Kibana dashboard, drawn from its saved objects: `make diagram`."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from components.logging.bootstrap.job.kibana import saved_objects
from tests.unit.program import CHECKOUT

FILE = CHECKOUT / "docs" / "images" / "dashboard.svg"
ENVIRONMENT = "prod"

COLUMN, ROW, GAP = 20, 13, 4
"""Pixels of a column and of a row of Kibana's grid, and between panels."""
COLUMNS = 48
"""Columns of Kibana's grid."""
LINE, CHARACTER = 14, 7
"""Pixels of a line of text, and of a character at most."""
HEAD = 34
"""Pixels above the panels."""

STYLE = """<style>
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.small { font-size: 10px; fill: #57606a }
.query { font: 11px ui-monospace, monospace; fill: #57606a }
rect { fill: #ffffff; stroke: #8c959f } line { stroke: #d0d7de }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .small, .query { fill: #8b949e }
rect { fill: #161b22; stroke: #6e7681 } line { stroke: #30363d }
}
</style>"""
"""Colours for light and dark pages."""


@dataclass(frozen=True)
class Panel:
    """A panel of the dashboard.

    Attributes:
        title: Title.
        query: KQL query of its events.
        bars: What a chart's bars are made of; empty for a table.
        columns: Columns of a table; empty for a chart.
        x: Left edge, in columns of the grid.
        y: Upper edge, in rows of the grid.
        width: Columns.
        height: Rows.
    """

    title: str
    query: str
    bars: str
    columns: Sequence[str]
    x: int
    y: int
    width: int
    height: int


def panels(objects: Iterable[Mapping[str, Any]]) -> tuple[str, list[Panel]]:
    """The title of the only dashboard among saved objects, and its panels."""
    by_id = {str(one["id"]): one for one in objects}
    (dashboard,) = (one for one in by_id.values() if one["type"] == "dashboard")
    ids = {str(one["name"]).rpartition(":")[2]: str(one["id"]) for one in dashboard["references"]}
    grid: list[dict[str, Any]] = json.loads(dashboard["attributes"]["panelsJSON"])
    return str(dashboard["attributes"]["title"]), [
        _panel(by_id[ids[one["panelRefName"]]], one["gridData"]) for one in grid
    ]


def _panel(shown: Mapping[str, Any], place: Mapping[str, Any]) -> Panel:
    attributes = shown["attributes"]
    title, query, bars, columns = attributes["title"], "", "", ["@timestamp", *attributes.get("columns", [])]
    if shown["type"] == "lens":
        state = attributes["state"]
        (layer,) = state["datasourceStates"]["formBased"]["layers"].values()
        over, by, value = (layer["columns"][column]["label"] for column in layer["columnOrder"])
        lines = ", ".join(one["label"] for one in state["visualization"]["layers"][1]["annotations"])
        bars, columns = f"{value} over {over}, by {by}; lines: {lines}", []
        query = state["query"]["query"]
    else:
        query = json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])["query"]["query"]
    if shown["type"] == "visualization":
        aggregations: list[dict[str, Any]] = json.loads(attributes["visState"])["aggs"]
        columns = [_label(one) for schema in ("bucket", "metric") for one in aggregations if one["schema"] == schema]
    return Panel(
        title=title,
        query=query,
        bars=bars,
        columns=columns,
        x=place["x"],
        y=place["y"],
        width=place["w"],
        height=place["h"],
    )


def _label(aggregation: Mapping[str, Any]) -> str:
    field = aggregation["params"].get("field", "")
    match aggregation["type"]:
        case "avg":
            return f"average {field}"
        case "percentiles":
            return ", ".join(f"{percent}th percentile of {field}" for percent in aggregation["params"]["percents"])
        case _:
            return field


def draw(objects: Iterable[Mapping[str, Any]]) -> str:
    """The outline of a dashboard, as SVG: its panels in their places, what they show, and no made-up data."""
    title, shown = panels(objects)
    width = COLUMNS * COLUMN
    height = HEAD + max(panel.y + panel.height for panel in shown) * ROW
    label = escape(f"Outline of the dashboard {title}")
    return "\n".join(
        [
            "<!-- drawn from components/logging/bootstrap/job/kibana.py: make diagram -->",
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{label}">',
            STYLE,
            _text(4, 22, title, "title"),
            *(line for panel in shown for line in _drawn(panel)),
            "</svg>\n",
        ]
    )


def _drawn(panel: Panel) -> Iterable[str]:
    left, top = panel.x * COLUMN + GAP, HEAD + panel.y * ROW + GAP
    width, height = panel.width * COLUMN - 2 * GAP, panel.height * ROW - 2 * GAP
    yield f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="4"/>'
    yield _text(left + 10, top + 20, panel.title, "title")
    yield _text(left + 10, top + 37, panel.query, "query", width - 20)
    under = top + 37 + LINE * len(_lines(panel.query, width - 20)) + 6
    if panel.bars:
        bars_top = top + height - 10 - LINE * (len(_lines(panel.bars, width - 20)) - 1)
        foot = bars_top - 18
        yield f'<line x1="{left + 10}" y1="{under - 8}" x2="{left + 10}" y2="{foot}"/>'
        yield f'<line x1="{left + 10}" y1="{foot}" x2="{left + width - 10}" y2="{foot}"/>'
        yield _text(left + 10, bars_top, panel.bars, "small", width - 20)
    step = (width - 20) // max(len(panel.columns), 1)
    for index, column in enumerate(panel.columns):
        yield _text(left + 10 + index * step, under, column, "small", step - 6)
    if panel.columns:
        head = LINE * max(len(_lines(column, step - 6)) for column in panel.columns)
        for row in range(under + head - 6, top + height - 10, 20):
            yield f'<line x1="{left + 10}" y1="{row}" x2="{left + width - 10}" y2="{row}"/>'


def _text(x: int, y: int, text: str, kind: str, width: int = COLUMNS * COLUMN) -> str:
    lines = "".join(
        f'<tspan x="{x}" dy="{LINE if index else 0}">{escape(line)}</tspan>'
        for index, line in enumerate(_lines(text, width))
    )
    return f'<text class="{kind}" x="{x}" y="{y}">{lines}</text>'


def _lines(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width // CHARACTER, break_long_words=False)


def main() -> None:
    """Writes the picture."""
    FILE.write_text(draw(saved_objects(ENVIRONMENT)), encoding="utf-8")


if __name__ == "__main__":
    main()
