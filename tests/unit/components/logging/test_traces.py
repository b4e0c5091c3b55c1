"""A stack trace is one event, with the line that announces it and without any other line."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import yaml

from tests.unit.components.logging.fluentd_grammar import pattern
from tests.unit.components.logging.golden_lines import emulated
from tools.program.graph import every

CASES: dict[str, list[list[str]]] = yaml.safe_load((Path(__file__).parent / "cases" / "events.yaml").read_text("utf-8"))
COLOUR = pattern(r"/\x1b\[[0-9;]*m/")
OF_OTHERS = ("started", "GET /api 200 12ms", "2026-11-23 10:00:00 INFO next", '{"level":"info"}', "at noon", "no: 12")


def events(lines: list[str]) -> list[list[str]]:
    return [event["message"].split("\n") for event in emulated({"log": lines})]


def plain(case: list[list[str]]) -> list[list[str]]:
    """The events without colours."""
    return [[COLOUR.sub("", line) for line in event] for event in case]


@pytest.mark.parametrize("name", CASES)
def test_lines_of_one_event_are_one_and_others_stay_their_own(name: str) -> None:
    case = CASES[name]
    found = events([*itertools.chain.from_iterable(case)])
    assert sorted(found) == sorted(plain(case))


@pytest.mark.parametrize("name", CASES)
def test_a_line_of_another_after_or_before_it_changes_nothing(name: str) -> None:
    case = CASES[name]
    lines = [*itertools.chain.from_iterable(case)]
    for other in every(OF_OTHERS):
        assert sorted(events([*lines, other])) == sorted([*plain(case), [other]]), other
        assert sorted(events([other, *lines])) == sorted([*plain(case), [other]]), other


@pytest.mark.parametrize("name", CASES)
def test_two_of_a_kind_are_two(name: str) -> None:
    case = CASES[name]
    found = events([*itertools.chain.from_iterable([*case, *case])])
    assert sorted(found) == sorted([*plain(case), *plain(case)])


def test_a_private_key_is_one_event_and_hidden() -> None:
    """Line by line, a mask would not know its middle."""
    key = ["-----BEGIN RSA PRIVATE KEY-----", "MIIEpAIBAAKCAQEA", "abcd==", "-----END RSA PRIVATE KEY-----"]
    found = sorted(events(["loaded", *key, "started"]))
    assert found == [["-----BEGIN RSA PRIVATE KEY-----[masked]"], ["loaded"], ["started"]]
