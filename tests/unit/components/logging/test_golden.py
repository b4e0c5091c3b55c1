"""What a container writes, and the events that come of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.unit.components.logging import real_fluentd
from tests.unit.components.logging.golden_lines import CASES, TEXT, content, expected, file_name, made_of, told


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_a_container_writes_becomes_the_events_of_the_table(case: dict[str, Any]) -> None:
    events = made_of(case)
    assert told(events) == expected(case)
    assert {event["kubernetes"]["namespace_name"] for event in events} == {case.get("namespace", "dev")}


if "HELLO_FLUENTD" in os.environ:  # no package registry has a Fluentd: where there is none, this is no test to skip

    def test_the_real_fluentd_makes_the_same_of_all_of_them(tmp_path: Path) -> None:
        files = {
            file_name(index, case): b"".join(line + b"\n" for line in content(case)) for index, case in enumerate(CASES)
        }
        events = real_fluentd.events(os.environ["HELLO_FLUENTD"], TEXT, files, tmp_path)
        wrong = {
            case["name"]: (made, expected(case))
            for index, case in enumerate(CASES)
            if (made := told([one for one in events if one["kubernetes"]["pod_name"] == f"pod-{index}"]))
            != expected(case)
        }
        assert not wrong
