"""The display of an engine run."""

from __future__ import annotations

from io import StringIO

import pytest
from pulumi.automation import EngineEvent, OpType
from pulumi.automation.events import ResOutputsEvent, StepEventMetadata
from rich.console import Console

from rehearsal.display import EngineDisplay

REPLACEMENT = [OpType.CREATE_REPLACEMENT, OpType.REPLACE, OpType.DELETE_REPLACED]


def told(*steps: OpType, kind: str = "aws:ecr/repository:Repository", verbose: bool = True) -> list[str]:
    console = Console(file=StringIO(), width=100)
    with EngineDisplay(console, "pulumi up", verbose=verbose) as display:
        for number, op in enumerate(steps, start=1):
            metadata = StepEventMetadata(op, f"urn:pulumi:dev::hello::{kind}::api", kind, "")
            display.event(EngineEvent(number, 0, res_outputs_event=ResOutputsEvent(metadata)))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


def test_each_change_is_told_and_counted() -> None:
    *lines, last = told(OpType.CREATE, OpType.CREATE, OpType.UPDATE, OpType.DELETE, OpType.SAME)
    assert [line.split()[0] for line in lines] == ["pulumi", "+", "+", "~", "-"]
    assert last.startswith("pulumi up: 2 created, 1 deleted, 1 updated, in ")


@pytest.mark.parametrize("steps", [REPLACEMENT, REPLACEMENT[::-1]])
def test_a_replacement_is_one_change(steps: list[OpType]) -> None:
    assert told(*steps) == ["pulumi up", "  ± aws:ecr/repository:Repository api", "pulumi up: 1 replaced, in 0 s"]


def test_what_stays_is_no_change() -> None:
    assert told(OpType.SAME, OpType.READ) == ["pulumi up", "pulumi up: nothing changed, in 0 s"]


def test_the_stack_and_its_providers_are_not_counted() -> None:
    assert told(OpType.CREATE, kind="pulumi:pulumi:Stack")[-1] == "pulumi up: nothing changed, in 0 s"


def test_a_log_gets_a_line_after_each_hundred_changes() -> None:
    lines = told(*[OpType.CREATE] * 250, verbose=False)
    assert [line.partition(" after")[0] for line in lines[:-1]] == [
        "pulumi up",
        "pulumi up: 100 done",
        "pulumi up: 200 done",
    ]
    assert lines[-1].startswith("pulumi up: 250 created, in ")
