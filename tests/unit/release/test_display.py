"""The live view of releases, and the lines of a log."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from rich.console import Console

from rehearsal import demo_images
from release.display import Display
from release.goals import Deploy, Goal, Rollback
from release.messages import ahead, named, same_step
from tests.release.platform import image
from tests.unit.release.test_run import SECOND, Fixture

BAD = image("api", demo_images.Fault.NEVER_READY)


def shown(lines: list[str], *, is_terminal: bool, width: int = 80) -> tuple[list[str], Console]:
    """What stays on the screen after a release that took a second for each line."""
    seconds = iter(range(10_000))
    console = Console(file=StringIO(), width=width, force_terminal=is_terminal, color_system=None, legacy_windows=False)
    with Display(console, lambda: float(next(seconds))) as display:
        report = display.reporter("prod", "api")
        for line in lines:
            report(line)
    assert isinstance(console.file, StringIO)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", console.file.getvalue())
    return [line.rstrip() for line in text.splitlines()], console


def reported(goal: Goal) -> list[str]:
    fixture = Fixture()
    if isinstance(goal, Rollback):
        fixture.run(Deploy(SECOND))
        fixture.lines.clear()
    fixture.run(goal)
    return fixture.lines


def test_a_log_has_each_line_when_it_comes() -> None:
    lines, _ = shown(["Slot green: 0 of 2 pods are ready", "Slot green: 1 of 2 pods are ready"], is_terminal=False)
    assert [re.sub(r"^[\d:]{8} ", "", line) for line in lines] == [
        "prod/api: Slot green: 0 of 2 pods are ready",
        "prod/api: Slot green: 1 of 2 pods are ready",
    ]


def test_a_terminal_keeps_one_line_of_each_step_with_its_seconds() -> None:
    steps = ["deploy of v2 (de30600d7632) into slot green, live is blue"]
    steps += [f"Slot green: {number} of 2 pods are ready" for number in range(3)]
    steps += ["Failed: the smoke test failed: 500. Going back"]
    lines, _ = shown(steps, is_terminal=True)
    kept = [line for line in lines if re.match(r"[\d:]{8} prod/api:", line)]
    assert [re.sub(r"^[\d:]{8} prod/api: |\d+ s$", "", line).strip() for line in kept] == [
        "deploy of v2 (de30600d7632) into slot green, live is blue",
        "Slot green: 2 of 2 pods are ready",
        "Failed: the smoke test failed: 500. Going back",
    ]
    assert all(re.search(r"\d+ s$", line) for line in kept)


@pytest.mark.parametrize("goal", [Deploy(SECOND, version="v1234567"), Deploy(BAD), Rollback()], ids=str)
def test_no_line_of_a_release_is_wider_than_80_columns_nor_cut(goal: Goal) -> None:
    steps = reported(goal)
    lines, _ = shown(steps, is_terminal=True)
    assert [line for line in lines if len(line) > 80 or "…" in line] == []
    for step in steps[:1] + steps[-1:]:
        assert set(step.split()) <= set(" ".join(lines).split())


@pytest.mark.parametrize(
    ("goal", "following"),
    [
        (Deploy(SECOND), ("start the pods", "smoke test", "switch", "watch the answers")),
        (Rollback(), ("switch", "end the pods of the slot that is left")),
    ],
    ids=["deploy", "rollback"],
)
def test_what_is_next_is_what_then_comes(goal: Goal, following: tuple[str, ...]) -> None:
    """Each phase leaves the list when a line of the release tells of it: else the words here would be out of date."""
    steps = reported(goal)
    assert ahead(steps[:1]) == following
    told = [ahead(steps[: number + 1]) for number in range(len(steps))]
    assert list(dict.fromkeys(told)) == [following[number:] for number in range(len(following) + 1)]


def test_after_a_failure_nothing_is_promised() -> None:
    steps = reported(Deploy(BAD))
    failed = next(number for number, line in enumerate(steps) if line.startswith("Failed: "))
    assert ahead(steps[:failed]) == ("smoke test", "switch", "watch the answers")
    assert ahead(steps[: failed + 1]) == ()


@pytest.mark.parametrize(
    ("version", "name"),
    [(None, "0123456789ab"), ("v2", "v2 (0123456789ab)"), ("c0ffee" * 6 + "1234", "c0ffeec0ffee (0123456789ab)")],
)
def test_an_image_has_a_short_name(version: str | None, name: str) -> None:
    assert named(f"registry.example.com/api@sha256:0123456789abcdef{'0' * 48}", version) == name


def test_lines_that_differ_in_a_count_are_of_one_step() -> None:
    assert same_step("Slot blue: 2 pods left", "Slot blue: 1 pod left")
    assert not same_step("Slot blue: 2 pods left", "Slot green: 2 pods left")
