"""The level of every event that has one is known, in whatever vocabulary, and the saved search finds the errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from components.logging.bootstrap.job import kibana
from components.logging.fluentd.levels import KEYS, LEVELS
from tests.unit.components.logging.bootstrap.kuery import matches
from tests.unit.components.logging.golden_lines import emulated
from tools.program.graph import every

UNKNOWN = "unknown"
CASES: dict[str, list[str]] = yaml.safe_load((Path(__file__).parent / "cases" / "levels.yaml").read_text("utf-8"))
LINES = every((level, line) for level, lines in CASES.items() for line in lines)


def event(line: str) -> dict[str, Any]:
    (found,) = emulated({"log": [line]})
    return found


@pytest.mark.parametrize(("level", "line"), LINES, ids=[line[:60] for _, line in LINES])
def test_an_event_has_the_level_that_its_line_gives_and_errors_are_found(level: str, line: str) -> None:
    found = event(line)
    assert found.get("level", UNKNOWN) == level
    assert matches(kibana.ERRORS, found) == (level in {"error", "fatal"})


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("level", LEVELS)
def test_each_key_of_an_object_gives_it_each_level(key: str, level: str) -> None:
    names = LEVELS[level].split("|")
    for name in every([names[0], names[1].upper(), names[-1]]):
        assert event(f'{{"{key}":"{name}","message":"no ERROR"}}')["level"] == level


@pytest.mark.parametrize("key", KEYS)
def test_a_nested_key_gives_no_level(key: str) -> None:
    nested = f'{{"a":{{"{key}":"error"}}'
    assert "level" not in event(f"{nested}}}")
    assert event(f'{nested},"level":"info"}}')["level"] == "info"


@pytest.mark.parametrize(
    ("line", "level"),
    [("\tat shop.Order.store(Order.java:1)", "error"), ("   at Shop.Api.Get() in /app/Api.cs:line 12", "error")],
)
def test_a_trace_without_a_level_is_an_error(line: str, level: str) -> None:
    for headline, expected in (("shop.OrderFault: no", level), ("2026-11-23 INFO no", "info"), ("WARN no", "warn")):
        (found,) = emulated({"log": [headline, line]})
        assert found["level"] == expected
