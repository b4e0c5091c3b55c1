"""Values in a comment: before and after, and never a secret."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.preview_report.values import LONGEST, MASK, SIGNATURE, change, shown

SECRET = {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": MASK}
CLEAR = "correct horse"


def event(old: Any, new: Any, kind: str = "kubernetes:apps/v1:Deployment") -> dict[str, Any]:
    return {"type": kind, "old": {"inputs": old}, "new": {"inputs": new}}


@pytest.mark.parametrize(
    ("old", "new", "path", "told"),
    [
        ({"a": 1}, {"a": 2}, "a", " 1 → 2"),
        ({}, {"a": {"b": ["x", "y"]}}, "a.b[1]", ' → "y"'),
        ({"a": {"b.c/d": True}}, {"a": {}}, 'a["b.c/d"]', " true →"),
        ({}, {}, "status.ready", ""),
        ({"a": SECRET}, {"a": 2}, "a", f' "{MASK}" → 2'),
        ({"a": SECRET}, {"a": SECRET}, "a.b.c", f' "{MASK}" → "{MASK}"'),
        ({"a": {"b": SECRET, "c": 1}}, {}, "a", f' {{"b": "{MASK}", "c": 1}} →'),
    ],
)
def test_a_change_shows_both_values(old: Any, new: Any, path: str, told: str) -> None:
    assert change(event(old, new), path) == told


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("kubernetes:core/v1:Secret", "data.word"),
        ("kubernetes:apps/v1:Deployment", "spec.adminPassword"),
        ("aws:rds/instance:Instance", "masterPassword"),
        ("aws:iam/accessKey:AccessKey", 'credentials["x"]'),
    ],
)
def test_a_value_that_may_be_a_secret_is_not_shown_though_nobody_marked_it(kind: str, path: str) -> None:
    values = {
        "data": {"word": CLEAR},
        "spec": {"adminPassword": CLEAR},
        "masterPassword": CLEAR,
        "credentials": {"x": CLEAR},
    }
    told = change(event(values, values, kind), path)
    assert CLEAR not in told
    assert told.count(MASK) == 2


def test_a_secret_inside_an_object_is_not_shown() -> None:
    assert CLEAR not in change(event({"spec": {"a": [{"token": CLEAR}]}}, {}), "spec")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgres://app:pa@ss@db:5432/shop", f"postgres://{MASK}@db:5432/shop"),
        ("redis://:word@cache:6379/0", f"redis://{MASK}@cache:6379/0"),
        (
            "https://s3/a?X-Amz-Signature=abc&part=2",
            f"https://s3/a?X-Amz-Signature={MASK}&part=2",
        ),
        ("https://api/?api_key=abc#top", f"https://api/?api_key={MASK}#top"),
        ("https://hooks.slack.com/services/T0/B0/abc", f"https://hooks.slack.com/services/{MASK}"),
        ("https://team.webhook.office.com/webhookb2/abc", f"https://team.webhook.office.com/{MASK}"),
        (
            "a@example.com: https://example.com/a?page=2",
            "a@example.com: https://example.com/a?page=2",
        ),
    ],
)
def test_what_a_url_lets_in_with_is_not_shown(url: str, told: str) -> None:
    assert shown([{"url": url}]) == f'[{{"url": "{told}"}}]'


def test_a_long_value_is_cut() -> None:
    assert len(shown("x" * 1000)) == LONGEST + 1
