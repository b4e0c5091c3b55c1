"""What a check reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Level: TypeAlias = Literal["ok", "look", "stop"]
"""`stop`: the first `pulumi up` would fail. `look`: it may fail, or something is a person's to do."""


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
    """Something with which `pulumi up` would fail."""
    return Finding("stop", subject, fact, remedy)
