"""The golden lines: lines of containers become the expected events."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.unit.components.logging import real_fluentd
from tests.unit.components.logging.golden_lines import CASES, TEXT, content, emulated, expected, file_name, relevant


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_a_container_writes_becomes_the_events_of_the_table(case: dict[str, Any]) -> None:
    events = emulated(case)
    assert relevant(events) == expected(case)
    assert {event["kubernetes"]["namespace_name"] for event in events} == {case.get("namespace", "dev")}


if "HELLO_FLUENTD" in os.environ:  # without one, there is no test, instead of a skipped one

    def test_the_real_fluentd_makes_the_same_events(tmp_path: Path) -> None:
        files = {
            file_name(index, case): b"".join(line + b"\n" for line in content(case)) for index, case in enumerate(CASES)
        }
        events = real_fluentd.events(os.environ["HELLO_FLUENTD"], TEXT, files, tmp_path)
        wrong = {
            case["name"]: (actual, expected(case))
            for index, case in enumerate(CASES)
            if (actual := relevant([event for event in events if event["kubernetes"]["pod_name"] == f"pod-{index}"]))
            != expected(case)
        }
        assert not wrong
