"""The judgement of a new version by what was measured of it and of the old one: pure functions."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from release.analysis.settings import Analysis, Metric


class Verdict(enum.StrEnum):
    """What a judgement comes to."""

    PASSED = "passed"
    """Every metric is within its bounds."""
    FAILED = "failed"
    """A metric is out of its bounds."""
    UNDECIDED = "undecided"
    """There were too few requests, or a metric has no value."""


@dataclass(frozen=True)
class Reading:
    """What was measured of one version.

    Attributes:
        requests: Number of requests.
        values: The metrics' values, by name, as far as there are any.
    """

    requests: int = 0
    values: Mapping[str, float] = field(default_factory=dict[str, float])

    def value(self, name: str) -> float | None:
        """The value of a metric; None if there is none, or no number: a rate of nothing is NaN, a share infinite."""
        found = self.values.get(name)
        return found if found is not None and math.isfinite(found) else None


@dataclass(frozen=True)
class Finding:
    """What was found of one metric.

    Attributes:
        metric: Its name.
        new: The new version's value; None if there is none.
        old: The old version's value; None if there is none.
        problem: Which bound it does not keep; None if it keeps all, or cannot be judged.
        missing: Why it cannot be judged; None if it can.
    """

    metric: str
    new: float | None
    old: float | None = None
    problem: str | None = None
    missing: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The finding as the history contains it."""
        return {
            "metric": self.metric,
            "new": self.new,
            "old": self.old,
            "problem": self.problem,
            "missing": self.missing,
        }

    def __str__(self) -> str:
        if self.problem or self.missing:
            return self.problem or self.missing or ""
        old = "" if self.old is None else f" (old {number(self.old)})"
        return f"{self.metric} {'unknown' if self.new is None else number(self.new)}{old}"


@dataclass(frozen=True)
class Judgement:
    """A verdict, and what it rests on.

    Attributes:
        verdict: The verdict.
        requests: Number of the new version's requests.
        old_requests: Number of the old version's; None if there is no old version.
        findings: What was found, a metric each.
        shortage: Which number of requests is too small; None if none is.
    """

    verdict: Verdict
    requests: int
    old_requests: int | None
    findings: tuple[Finding, ...]
    shortage: str | None = None

    @property
    def reason(self) -> str:
        """The verdict's reason, in words."""
        if self.verdict is Verdict.FAILED:
            return "; ".join(finding.problem for finding in self.findings if finding.problem)
        missing = [finding.missing for finding in self.findings if finding.missing]
        reasons = [self.shortage] if self.shortage else missing
        return "; ".join(reasons) or ", ".join(map(str, self.findings))

    def __str__(self) -> str:
        return f"{plural(self.requests, 'request')}, {', '.join(map(str, self.findings))}"


def judge(analysis: Analysis, new: Reading, old: Reading | None) -> Judgement:
    """Judges a new version.

    A bound that is not kept fails it as soon as there are enough requests, whatever else is unknown.

    Args:
        analysis: The metrics and their bounds.
        new: What was measured of the new version.
        old: What was measured of the old one; None if there is none: then nothing is compared with it.
    """
    findings = tuple(_find(metric, new, old, analysis.min_requests) for metric in analysis.metrics)
    shortage = None
    if new.requests < analysis.min_requests:
        shortage = f"too few requests: {new.requests} of at least {analysis.min_requests}"
    if shortage:
        verdict = Verdict.UNDECIDED
    elif any(finding.problem for finding in findings):
        verdict = Verdict.FAILED
    elif any(finding.missing for finding in findings):
        verdict = Verdict.UNDECIDED
    else:
        verdict = Verdict.PASSED
    return Judgement(verdict, new.requests, None if old is None else old.requests, findings, shortage)


def _find(metric: Metric, new: Reading, old: Reading | None, least: int) -> Finding:
    name, value = metric.name, new.value(metric.name)
    before = None if old is None else old.value(name)
    if value is None:
        return Finding(name, None, before, missing=f"{name} has no value")
    problem = _broken(name, value, metric.minimum, metric.maximum, "")
    if problem or not metric.is_compared or old is None:
        return Finding(name, value, before, problem)
    if old.requests < least:
        said = f"{name} cannot be compared: the old version had {old.requests} of at least {least} requests"
        return Finding(name, value, before, missing=said)
    if before is None:
        return Finding(name, value, None, missing=f"{name} of the old version has no value")
    smallest, largest = (
        None if ratio is None else ratio * before for ratio in (metric.minimum_of_old, metric.maximum_of_old)
    )
    problem = _broken(name, value, smallest, largest, f", as the old version has {number(before)}")
    return Finding(name, value, before, problem)


def _broken(name: str, value: float, smallest: float | None, largest: float | None, why: str) -> str | None:
    """Which bound a value does not keep, in words; None if it keeps both."""
    if smallest is not None and value < smallest:
        return f"{name} is {number(value)}, and has to be at least {number(smallest)}{why}"
    if largest is not None and value > largest:
        return f"{name} is {number(value)}, and may be at most {number(largest)}{why}"
    return None


def number(value: float) -> str:
    """A number with four significant digits."""
    return f"{value:.4g}"


def plural(count: int, noun: str) -> str:
    """A number of things."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
