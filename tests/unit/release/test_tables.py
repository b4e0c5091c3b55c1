"""Tables keep names whole on a screen of any width."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console

from release.commands.reports import history_table
from release.history import Action, Entry, Outcome, Revision
from release.status import ServiceStatus, table
from release.tables import Row, Sheet
from tests.unit.release.model import NOW, entry, revision, service_state, slot

SERVICE = "recommendations-and-offers"
VERSION = "2026.11.27-build-1234"
USER = "jane.elisabeth.doe@subsidiary.example.com"
WORDS = (SERVICE, VERSION, USER)


def printed(sheet: Sheet, width: int) -> str:
    console = Console(file=StringIO(), width=width)
    console.print(sheet, crop=False)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def status() -> Sheet:
    old, new = revision("good", 1), revision("good", 2)
    last = replace(entry("green", new, previous=old), by=f"arn:aws:sts::123456789012:assumed-role/x/{USER}")
    state = service_state(
        slot("blue", old, 2), slot("green", new, 2), live="green", history=(replace(last, version=VERSION),)
    )
    return table("dev", [ServiceStatus(replace(state, service=SERVICE), None)])


def history() -> Sheet:
    one = Entry(
        id="1",
        action=Action.ROLLBACK,
        slot="green",
        revision=Revision(f"registry.example.com/x@sha256:{'ab' * 32}", None),
        previous=None,
        by=USER,
        started=NOW,
        outcome=Outcome.INTERRUPTED,
        reason=f"of {SERVICE}: " + "words " * 30,
        version=VERSION,
    )
    return history_table("dev/api", [one])


@pytest.mark.parametrize("width", [60, 80, 100, 200])
@pytest.mark.parametrize("sheet", [status(), history()], ids=["status", "history"])
def test_no_name_is_cut_and_no_line_is_longer_than_the_screen(sheet: Sheet, width: int) -> None:
    text = printed(sheet, width)
    assert [word for word in WORDS if word not in text] == []
    assert "…" not in text
    assert [line for line in text.splitlines() if len(line) > width] == []


def test_what_does_not_fit_beside_the_rest_is_below_its_row_with_its_name() -> None:
    sheet = Sheet("", ("service", "by"), [Row(("api", "jane"), ("a note",)), Row(("web",))])
    assert printed(sheet, 20).splitlines() == ["service  by", "api      jane", "    a note", "web"]
    assert printed(sheet, 12).splitlines() == ["service", "api", "    by jane", "    a note", "web"]


def test_a_word_that_is_longer_than_the_screen_stays_whole() -> None:
    image = f"registry.example.com/api@sha256:{'ab' * 32}"
    assert f"    {image}\n" in printed(Sheet("", ("service",), [Row(("api",), (image,))]), 80)


def test_the_time_is_in_the_heading_s_zone() -> None:
    started = datetime(2026, 5, 1, 12, tzinfo=UTC)
    one = replace(entry("green", revision("good", 2), previous=None), started=started)
    assert "started (UTC)" in printed(history_table("x", [one]), 80)
