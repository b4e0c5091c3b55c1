"""Sources of Helm charts."""

from __future__ import annotations

from pathlib import Path

import pulumi_kubernetes as kubernetes
import pytest

from components.kubernetes.charts import locate
from config import PROJECT
from config.charts import ALWAYS, JENKINS
from tests.unit.components.delivery import jenkins
from tests.unit.config.test_charts import as_archives, as_folders
from tests.unit.program import configured
from tools.program.graph import every

REGISTRY = "oci://registry.example.com/charts"


def test_a_chart_comes_from_its_public_repository_by_default() -> None:
    location = locate(JENKINS, None)
    assert location.chart == "jenkins"
    assert location.version == JENKINS.version
    assert location.repository_opts == kubernetes.helm.v3.RepositoryOptsArgs(repo="https://charts.jenkins.io")


def test_a_charts_address_starts_with_the_registry() -> None:
    location = locate(JENKINS, "oci://registry.example.com/charts")
    assert (location.chart, location.repository_opts) == ("oci://registry.example.com/charts/jenkins", None)
    assert location.version == JENKINS.version


def test_a_folders_path_stays_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state contains it, and other machines read the state."""
    monkeypatch.chdir(tmp_path)
    Path("charts").mkdir()
    as_archives(Path("charts"), {"jenkins": JENKINS.version})
    location = locate(JENKINS, "charts")
    assert (location.chart, location.repository_opts) == (f"charts/jenkins-{JENKINS.version}.tgz", None)
    as_folders(Path("charts"), {"jenkins": JENKINS.version})
    assert locate(JENKINS, "charts").chart == "charts/jenkins"


def test_every_chart_comes_from_the_configured_source() -> None:
    config = {**jenkins.configuration(), f"{PROJECT}:charts": REGISTRY}
    releases = configured(config, preview=True).of_type("kubernetes:helm.sh/v3:Release")
    for release in every(releases):
        assert "repositoryOpts" not in release.inputs
    assert {release.inputs["chart"]: release.inputs["version"] for release in releases} == {
        f"{REGISTRY}/{chart.name}": chart.version for chart in (*ALWAYS, JENKINS)
    }
