"""The check of a folder of charts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from config import load
from config.charts import ALWAYS, JENKINS
from tests.unit.components.delivery.jenkins import DELIVERY
from tests.unit.config.configurations import changed, problems

WITHOUT_JENKINS = {chart.name: chart.version for chart in ALWAYS}


def as_folders(folder: Path, charts: Mapping[str, str]) -> None:
    for name, version in charts.items():
        (folder / name).mkdir()
        (folder / name / "Chart.yaml").write_text(f"apiVersion: v2\nname: {name}\nversion: {version}\n")


def as_archives(folder: Path, charts: Mapping[str, str]) -> None:
    for name, version in charts.items():
        (folder / f"{name}-{version}.tgz").write_bytes(b"")


@pytest.mark.parametrize("put", [as_folders, as_archives])
def test_a_folder_that_has_each_chart_is_taken(tmp_path: Path, put: Callable[[Path, Mapping[str, str]], None]) -> None:
    put(tmp_path, WITHOUT_JENKINS)
    assert load(changed({"charts": str(tmp_path)})).charts == str(tmp_path)


@pytest.mark.parametrize("put", [as_folders, as_archives])
@pytest.mark.parametrize("name", WITHOUT_JENKINS)
def test_a_chart_that_is_missing_or_of_another_version_is_refused(
    tmp_path: Path, name: str, put: Callable[[Path, Mapping[str, str]], None]
) -> None:
    expected = [f"charts: {tmp_path}: lacks {name} {WITHOUT_JENKINS[name]}: a folder each, or NAME-VERSION.tgz"]
    put(tmp_path, {other: version for other, version in WITHOUT_JENKINS.items() if other != name})
    assert problems(changed({"charts": str(tmp_path)})) == expected
    put(tmp_path, {name: "1.0.0"})
    assert problems(changed({"charts": str(tmp_path)})) == expected


def test_a_folder_that_is_no_chart_is_refused(tmp_path: Path) -> None:
    as_folders(tmp_path, WITHOUT_JENKINS)
    (tmp_path / "eck-operator" / "Chart.yaml").write_text("name: eck-operator\n")
    (tmp_path / "cluster-autoscaler" / "Chart.yaml").unlink()
    (line,) = problems(changed({"charts": str(tmp_path)}))
    assert "lacks cluster-autoscaler 9.59.0, eck-operator 3.5.0:" in line


def test_jenkins_chart_is_needed_where_there_is_jenkins(tmp_path: Path) -> None:
    as_folders(tmp_path, WITHOUT_JENKINS)
    (line,) = problems(changed({"charts": str(tmp_path), "delivery": DELIVERY}))
    assert f"lacks jenkins {JENKINS.version}:" in line


def test_a_registry_is_not_asked() -> None:
    source = "oci://123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/charts"
    assert load(changed({"charts": source})).charts == source
