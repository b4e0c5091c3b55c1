"""The comment for real events, recorded from a rehearsal's `pulumi preview`, without states and unchanged resources."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.preview_report.events import Preview, read
from pipelines.preview_report.markdown import LIMIT, render
from tests.unit.program import CHECKOUT

EVENTS = Path(__file__).parent / "events"
RECORDED = ("create", "update", "replacement", "many", "error", "refused", "same")


def recorded(name: str) -> Preview:
    return read((EVENTS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("name", RECORDED)
def test_the_comment_is_the_one_in_the_repository(name: str) -> None:
    assert render(recorded(name), "dev") == (EVENTS / f"{name}.md").read_text(encoding="utf-8")


def test_what_would_lose_data_stands_first_and_is_warned_of() -> None:
    text = render(recorded("replacement"), "dev")
    assert "> [!CAUTION]" in text
    assert "- **replaced**: `kubernetes:core/v1:PersistentVolumeClaim` `database`" in text


@pytest.mark.parametrize("name", ["error", "refused"])
def test_an_error_is_a_failed_preview(name: str) -> None:
    assert recorded(name).failed
    assert "failed" in render(recorded(name), "dev").splitlines()[0]


def test_a_preview_that_was_cut_off_has_failed() -> None:
    lines = (EVENTS / "update.jsonl").read_text(encoding="utf-8").splitlines()
    assert read(line for line in lines if "summaryEvent" not in line).failed
    assert read([]).failed


@pytest.mark.parametrize("limit", [1000, 5000, LIMIT])
def test_a_comment_is_no_longer_than_it_may_be_and_says_what_it_leaves_out(limit: int) -> None:
    preview = recorded("many")
    text = render(preview, "dev", limit)
    assert len(text) <= limit
    told = text.count("\n- created: ")
    assert told == len(preview.changes) or f"and {len(preview.changes) - told} more" in text


def test_the_command_fails_where_the_preview_did() -> None:
    for name, code in (("update", 0), ("error", 1)):
        with (EVENTS / f"{name}.jsonl").open() as events:
            done = subprocess.run(
                [sys.executable, "-m", "pipelines.preview_report", "dev"],
                cwd=CHECKOUT,
                stdin=events,
                capture_output=True,
                check=False,
            )
        assert done.returncode == code
        assert done.stdout.decode() == (EVENTS / f"{name}.md").read_text(encoding="utf-8")
