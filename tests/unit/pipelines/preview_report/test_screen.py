"""What a preview prints, from events that were recorded from a rehearsal."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from pipelines.preview_report import screen
from pipelines.preview_report.events import Preview, read
from tests.unit.pipelines.preview_report.test_markdown import EVENTS


def recorded(name: str) -> Preview:
    return read((EVENTS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines())


def shown(name: str, *, verbose: bool = False) -> list[str]:
    console = Console(file=StringIO(), width=80)
    screen.show(console, "dev", recorded(name), verbose=verbose)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


def test_what_is_lost_stands_before_what_changes_and_what_is_new() -> None:
    signs = [line.split()[0] for line in shown("update") if line.startswith("  ") and not line.startswith("   ")]
    assert signs == ["-"] * 2 + ["~"] * 5 + ["+"] * 2


def test_a_change_has_its_values() -> None:
    assert "      ~ retentionInDays 30 → 14" in shown("update")


def test_data_that_would_be_lost_are_told() -> None:
    assert any(line.endswith("database: its data would be lost") for line in shown("replacement"))


def test_many_new_resources_are_counted_and_named_if_wished() -> None:
    assert shown("many") == ["  + 500 created in ConfigMap", "Preview of stack dev: 500 created"]
    assert len(shown("many", verbose=True)) == 501


def test_new_resources_are_counted_by_their_outermost_component() -> None:
    components = {change.component for change in recorded("create").changes if change.verb == "created"}
    assert components >= {"Environment"}


def test_nothing_to_change_is_one_line() -> None:
    assert shown("same") == ["Preview of stack dev: nothing would change"]
