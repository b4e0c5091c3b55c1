"""The outline of the dashboard shows what the logging bootstrap imports now."""

from __future__ import annotations

import re
from html import unescape

from components.logging.bootstrap.job.kibana import saved_objects
from tests.unit.diagrams.dashboard import COLUMNS, ENVIRONMENT, FILE, draw, panels
from tools.program.graph import every


def test_the_picture_is_of_today() -> None:
    assert FILE.read_text(encoding="utf-8") == draw(saved_objects(ENVIRONMENT)), "run `make diagram`"


def test_it_shows_every_panel_with_its_fields_and_its_query() -> None:
    texts = re.findall("<text [^>]*>(.*?)</text>", draw(saved_objects(ENVIRONMENT)))
    drawn = {unescape(" ".join(re.findall(">([^<]+)<", text))) for text in texts}
    title, shown = panels(saved_objects(ENVIRONMENT))
    assert title in drawn
    for panel in every(shown, "panel"):
        assert {panel.title, panel.query, *panel.columns} <= drawn
    assert "Number of events over @timestamp, by slot; lines: Release, Release failed" in drawn
    assert {"path", "average duration_ms", "95th percentile of duration_ms"} <= drawn


def test_no_panel_lies_over_another_or_beside_the_grid() -> None:
    _, shown = panels(saved_objects(ENVIRONMENT))
    taken = [
        (x, y)
        for panel in shown
        for x in range(panel.x, panel.x + panel.width)
        for y in range(panel.y, panel.y + panel.height)
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) == COLUMNS - 1
