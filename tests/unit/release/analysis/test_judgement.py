"""A version is judged by its metrics, its bounds, and the version before it."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.analysis.judgement import Judgement, Reading, Verdict, judge
from release.analysis.result import Result
from release.analysis.settings import Analysis, Metric


def analysis(*metrics: Metric, least: int = 100) -> Analysis:
    return Analysis(metrics, seconds=120, limit_seconds=900, min_requests=least)


SUCCESS = Metric("successRate", minimum=0.99, minimum_of_old=0.98)
FEW = "cannot be compared: the old version had 99 of at least 100 requests"
LATENCY = Metric("p95", maximum=2, maximum_of_old=1.5)


def said(new: dict[str, float], old: dict[str, float] | None, *, requests: int = 500, before: int = 500) -> Judgement:
    return judge(analysis(SUCCESS, LATENCY), Reading(requests, new), None if old is None else Reading(before, old))


@pytest.mark.parametrize(
    ("new", "old", "more", "verdict", "reason"),
    [
        ((1, 0.2), (1, 0.2), {}, "passed", "successRate 1 (old 1), p95 0.2 (old 0.2)"),
        ((1, 0.3), (1, 0.2), {}, "passed", "successRate 1 (old 1), p95 0.3 (old 0.2)"),
        (
            (1, 0.31),
            (1, 0.2),
            {},
            "failed",
            "p95 is 0.31, and may be at most 0.3, as the old version has 0.2",
        ),
        ((0.98, 0.2), (0.5, 0.2), {}, "failed", "successRate is 0.98, and has to be at least 0.99"),
        ((1, 2.1), (1, 2), {}, "failed", "p95 is 2.1, and may be at most 2"),
        (
            (0.5, 3),
            (1, 2),
            {},
            "failed",
            "successRate is 0.5, and has to be at least 0.99; p95 is 3, and may be at most 2",
        ),
        # Without an old version nothing is compared.
        ((1, 1.9), None, {}, "passed", "successRate 1, p95 1.9"),
        ((1, 2.1), None, {}, "failed", "p95 is 2.1, and may be at most 2"),
        # Too few requests are no verdict, however bad or good they are.
        ((0, 9), (1, 0.2), {"requests": 99}, "undecided", "too few requests: 99 of at least 100"),
        ((1, 0.2), (1, 0.2), {"requests": 0}, "undecided", "too few requests: 0 of at least 100"),
        ((1, 0.2), (1, 0.2), {"requests": 100}, "passed", "successRate 1 (old 1), p95 0.2 (old 0.2)"),
        (
            (1, 0.2),
            (1, 0.2),
            {"before": 99},
            "undecided",
            f"successRate {FEW}; p95 {FEW}",
        ),
        # A bound of its own is not kept: that does not depend on the old version.
        ((0.5, 0.2), (1, 0.2), {"before": 99}, "failed", "successRate is 0.5, and has to be at least 0.99"),
        # What is no number is no value.
        ((math.nan, 0.2), (1, 0.2), {}, "undecided", "successRate has no value"),
        ((1, math.inf), (1, 0.2), {}, "undecided", "p95 has no value"),
        ((1, 0.2), (1, math.nan), {}, "undecided", "p95 of the old version has no value"),
        ((math.nan, 3), (1, 0.2), {}, "failed", "p95 is 3, and may be at most 2"),
    ],
)
def test_a_judgement(
    new: tuple[float, float], old: tuple[float, float] | None, more: dict[str, int], verdict: str, reason: str
) -> None:
    names = ("successRate", "p95")
    judgement = said(
        dict(zip(names, new, strict=True)), None if old is None else dict(zip(names, old, strict=True)), **more
    )
    assert (judgement.verdict, judgement.reason) == (verdict, reason)


def test_a_metric_that_nobody_has_told_is_missing() -> None:
    assert said({"p95": 0.2}, {"successRate": 1, "p95": 0.2}).reason == "successRate has no value"


VALUES = st.floats(allow_nan=True, allow_infinity=True)
READINGS = st.builds(
    Reading, st.integers(0, 300), st.fixed_dictionaries({}, optional={"successRate": VALUES, "p95": VALUES})
)


@given(new=READINGS, old=READINGS | st.none())
def test_a_version_passes_only_by_enough_requests_and_numbers_within_all_bounds(
    new: Reading, old: Reading | None
) -> None:
    judgement = judge(analysis(SUCCESS, LATENCY), new, old)
    success, latency = new.values.get("successRate", math.nan), new.values.get("p95", math.nan)
    within = success >= 0.99 and latency <= 2 and math.isfinite(success) and math.isfinite(latency)
    if old is not None:
        was, took = old.values.get("successRate", math.nan), old.values.get("p95", math.nan)
        known = math.isfinite(was) and math.isfinite(took) and old.requests >= 100
        within = within and known and success >= 0.98 * was and latency <= 1.5 * took
    assert (judgement.verdict is Verdict.PASSED) == (within and new.requests >= 100)
    assert judgement.reason
    # The history is JSON, which has no NaN.
    json.dumps([finding.to_json() for finding in judgement.findings], allow_nan=False)


def test_the_result_is_the_same_after_the_history() -> None:
    judgement = said({"successRate": 0.9}, None)
    result = Result(
        slot="green",
        weight=10,
        verdict=judgement.verdict,
        reason=judgement.reason,
        requests=judgement.requests,
        old_requests=judgement.old_requests,
        seconds=120,
        finished=datetime(2026, 1, 1, tzinfo=UTC),
        findings=judgement.findings,
    )
    value: dict[str, Any] = json.loads(json.dumps(result.to_json()))
    assert Result.from_json(value) == result
    assert value["metrics"][0]["new"] == 0.9
    assert str(result).startswith("analysis at 10 % failed by 500 requests: successRate is 0.9")
