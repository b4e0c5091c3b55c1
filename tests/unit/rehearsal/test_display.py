"""The display of an engine run."""

from __future__ import annotations

from io import StringIO

import pytest
from pulumi.automation import EngineEvent, OpType
from pulumi.automation.events import ResOutputsEvent, StepEventMetadata
from rich.console import Console

from rehearsal.display import EngineDisplay

REPLACEMENT = [OpType.CREATE_REPLACEMENT, OpType.REPLACE, OpType.DELETE_REPLACED]


def told(*steps: OpType, kind: str = "aws:ecr/repository:Repository") -> list[str]:
    console = Console(file=StringIO(), width=100)
    with EngineDisplay(console, "pulumi up") as display:
        for number, op in enumerate(steps, start=1):
            metadata = StepEventMetadata(op, f"urn:pulumi:dev::hello::{kind}::api", kind, "")
            display.event(EngineEvent(number, 0, res_outputs_event=ResOutputsEvent(metadata)))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


def test_each_change_is_told_and_counted() -> None:
    *lines, last = told(OpType.CREATE, OpType.CREATE, OpType.UPDATE, OpType.DELETE, OpType.SAME)
    assert [line.split()[0] for line in lines] == ["pulumi", "+", "+", "~", "-"]
    assert last == "pulumi up: 2 created, 1 deleted, 1 updated"


@pytest.mark.parametrize("steps", [REPLACEMENT, REPLACEMENT[::-1]])
def test_a_replacement_is_one_change(steps: list[OpType]) -> None:
    assert told(*steps) == ["pulumi up", "  ± aws:ecr/repository:Repository api", "pulumi up: 1 replaced"]


def test_what_stays_is_no_change() -> None:
    assert told(OpType.SAME, OpType.READ) == ["pulumi up", "pulumi up: nothing changed"]


def test_the_stack_and_its_providers_are_not_counted() -> None:
    assert told(OpType.CREATE, kind="pulumi:pulumi:Stack")[-1] == "pulumi up: nothing changed"
