"""The runbook has each alarm, each exit code and each refusal that the code has."""

from __future__ import annotations

import re

import pytest

from release.errors import ExitCode
from tests.unit.program import CHECKOUT, STACKS, platform, stack_of
from tests.unit.runbook.table import PAGE, in_module, page

RUNBOOK = CHECKOUT / "docs" / "runbook.md"
TEXT = RUNBOOK.read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The rows of the table below a heading, without its head."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in lines[2:]]


@pytest.mark.parametrize("stack", STACKS)
def test_each_alarm_is_told_with_why_and_what_to_do(stack: str) -> None:
    graph = platform(stack, preview=False)
    alarms = {str(one.inputs["name"]) for one in graph.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")}
    told = {name: rest for name, *rest in rows("Alarms")}
    assert {f"hello-{stack_of(graph)}-logs-{name}" for name in told} == alarms
    assert [name for name, cells in told.items() if len(cells) != 3 or not all(cells)] == []


def test_each_exit_code_is_told_with_why_and_what_to_do() -> None:
    told = rows("Exit codes of a release")
    assert {int(code): name for code, name, *_ in told} == {
        int(code): code.name.lower().replace("_", " ") for code in ExitCode
    }
    assert all(len(cells) == 5 and all(cells) for cells in told)


def test_each_refusal_of_program_and_preflight_is_told() -> None:
    """`python -m tests.unit.runbook.table` writes them anew."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_no_refusal_is_told_without_a_reason() -> None:
    cells = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in page().splitlines() if "|" in line
    ]
    assert len(cells) > 80
    assert [row for row in cells if not all(row[-2:])] == []


@pytest.mark.parametrize(
    ("source", "texts", "why"),
    [
        (
            'def f():\n    """Why.\n\n    More."""\n    yield stop("zone", f"{x} is away", "go")',
            ("zone", "… is away", "go"),
            "Why.",
        ),
        ('"""Module."""\ndef f():\n    yield stop(key, "a " "b", c)', ("…", "a b", "…"), "Module."),
    ],
)
def test_refusals_are_read_from_the_source(source: str, texts: tuple[str, ...], why: str) -> None:
    (found,) = in_module(source, "x.py", frozenset({"stop"}))
    assert (found.texts, found.why) == (texts, why)
