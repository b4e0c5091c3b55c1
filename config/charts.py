"""The Helm charts that the platform installs, and their paths in a folder of charts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import versions


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A Helm chart.

    Attributes:
        name: Its name.
        version: Its version.
        repository: URL of its public repository.
    """

    name: str
    version: str
    repository: str


CLUSTER_AUTOSCALER = Chart(
    name="cluster-autoscaler",
    version=versions.CLUSTER_AUTOSCALER_CHART,
    repository="https://kubernetes.github.io/autoscaler",
)
ECK_OPERATOR = Chart(name="eck-operator", version=versions.ECK_CHART, repository="https://helm.elastic.co")
JENKINS = Chart(name="jenkins", version=versions.JENKINS_CHART, repository="https://charts.jenkins.io")
LOAD_BALANCER_CONTROLLER = Chart(
    name="aws-load-balancer-controller",
    version=versions.AWS_LOAD_BALANCER_CONTROLLER_CHART,
    repository="https://aws.github.io/eks-charts",
)

ALWAYS = (LOAD_BALANCER_CONTROLLER, CLUSTER_AUTOSCALER, ECK_OPERATOR)
"""The charts of every stack."""

CHARTS = (*ALWAYS, JENKINS)
"""All charts; `JENKINS` is only for a stack with `delivery`."""

REGISTRY = "oci://"
"""The prefix of an OCI registry; other sources are folders."""


def is_registry(source: str) -> bool:
    """Whether a source of charts is an OCI registry, not a folder."""
    return source.startswith(REGISTRY)


def local_chart(folder: str, chart: Chart) -> str:
    """The path of a chart in a folder of charts: a folder, as `helm pull --untar` creates it, or an archive.

    Args:
        folder: The folder of charts. A relative one gives a relative path.
        chart: The chart.
    """
    unpacked = Path(folder) / chart.name
    return str(unpacked if unpacked.is_dir() else Path(folder) / f"{chart.name}-{chart.version}.tgz")


def is_missing(folder: str, chart: Chart) -> bool:
    """Whether a folder of charts lacks a chart, or has another version of it.

    Helm does not compare the version of a chart in a folder with the requested one.
    """
    path = Path(local_chart(folder, chart))
    return not (path.is_file() or _version(path / "Chart.yaml") == chart.version)


def _version(file: Path) -> str | None:
    """The version in a `Chart.yaml`; None if there is no such file or no version in it."""
    if not file.is_file():
        return None
    text = file.read_text(encoding="utf-8", errors="replace")
    match = re.search(r"^version:\s*[\"']?([^\s\"']+)", text, re.MULTILINE)
    return match[1] if match else None
