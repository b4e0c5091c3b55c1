"""What a check reports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rich.console import Console
from rich.table import Table

Level: TypeAlias = Literal["ok", "look", "stop"]
"""`stop`: the first `up` would fail. `look`: it may fail, or something is a person's to do."""

COLOURS: dict[Level, str] = {"ok": "green", "look": "yellow", "stop": "red"}


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        level: Its urgency.
        subject: What was checked, such as `vCPU quota`.
        fact: What was found.
        remedy: What to do; empty if nothing.
    """

    level: Level
    subject: str
    fact: str
    remedy: str = ""


def ok(subject: str, fact: str) -> Finding:
    """Nothing to do."""
    return Finding("ok", subject, fact)


def look(subject: str, fact: str, remedy: str) -> Finding:
    """Something that may fail, or that is a person's to do."""
    return Finding("look", subject, fact, remedy)


def stop(subject: str, fact: str, remedy: str) -> Finding:
    """Something with which `up` would fail."""
    return Finding("stop", subject, fact, remedy)


def show(findings: Iterable[Finding]) -> int:
    """Prints findings as a table; the exit code is 1 if one of them stops the first `up`."""
    table = Table(box=None, show_header=False)
    stopped = False
    for finding in findings:
        colour = COLOURS[finding.level]
        fact = f"{finding.fact}\n→ {finding.remedy}" if finding.remedy else finding.fact
        table.add_row(f"[{colour}]{finding.level}[/]", finding.subject, fact)
        stopped |= finding.level == "stop"
    Console().print(table)
    return int(stopped)
