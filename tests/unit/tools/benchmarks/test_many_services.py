"""The benchmark's configurations and tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import config
from rehearsal.errors import RehearsalError
from tests.unit.program import stack_file
from tools.benchmarks.many_services import EXPOSED, made_up_secrets, many_services
from tools.benchmarks.tables import replace_section, table


@pytest.mark.parametrize("count", [1, 5, 50, 200])
def test_a_benchmark_measures_a_configuration_that_could_be_applied(count: int) -> None:
    settings = many_services(stack_file("dev")["config"], count)
    secrets: dict[str, Any] = {}
    for key in made_up_secrets(settings):
        _, environment, service, name = key.rsplit(".", 3)
        secrets.setdefault(environment, {}).setdefault(service, {})[name] = f"made up for {key}"
    values = {**settings, f"{config.PROJECT}:secrets": secrets}
    loaded = config.load({key: one if isinstance(one, str) else json.dumps(one) for key, one in values.items()})
    assert len(loaded.services) == count


def test_every_service_is_like_the_model_but_for_its_path_and_callers() -> None:
    settings = stack_file("dev")["config"]
    services = many_services(settings, 3)[f"{config.PROJECT}:services"]
    model = settings[f"{config.PROJECT}:services"]["api"]
    assert services["svc-003"]["paths"] == ["/svc-003"]
    more = many_services(settings, 50)[f"{config.PROJECT}:services"]
    assert [name for name, service in more.items() if "paths" in service] == list(more)[:EXPOSED]
    assert services["svc-003"]["secrets"] == model["secrets"]
    assert services["svc-003"]["resources"] == model["resources"]
    assert services["svc-003"]["egress"]["services"] == ["svc-001"]


def test_a_table_takes_the_place_of_the_last_one_and_leaves_the_rest(tmp_path: Path) -> None:
    document = tmp_path / "benchmarks.md"
    document.write_text("before\n<!-- a: begin -->\nold\n<!-- a: end -->\nafter\n")
    replace_section(document, "a", table(["x", "y"], [["1", r"\2"]]))
    lines = ["before", "<!-- a: begin -->", "| x | y |", "| --- | --- |", r"| 1 | \2 |", "<!-- a: end -->", "after"]
    assert document.read_text().splitlines() == lines


def test_a_document_without_the_section_says_so(tmp_path: Path) -> None:
    document = tmp_path / "benchmarks.md"
    document.write_text("nothing")
    with pytest.raises(RehearsalError, match="put the lines <!-- a: begin -->"):
        replace_section(document, "a", "text")
