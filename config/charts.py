"""The charts that the platform installs, and where a folder of charts has them."""

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
"""The charts of every stack; Jenkins' is one's that has `delivery`."""

REGISTRY = "oci://"
"""What a source begins with that is a registry, and no folder."""


def is_registry(source: str) -> bool:
    """Whether a source is an OCI registry, and no folder."""
    return source.startswith(REGISTRY)


def local_chart(folder: str, chart: Chart) -> str:
    """The path of a chart in a folder of charts: its own folder, as `helm pull --untar` makes it, or else its archive.

    Args:
        folder: The folder of charts. One that is relative gives a path that is.
        chart: The chart.
    """
    unpacked = Path(folder) / chart.name
    return str(unpacked if unpacked.is_dir() else Path(folder) / f"{chart.name}-{chart.version}.tgz")


def is_missing(folder: str, chart: Chart) -> bool:
    """Whether a folder of charts lacks a chart, or has it at another version.

    Helm takes a chart of any version from a folder, whatever version was asked for.
    """
    path = Path(local_chart(folder, chart))
    return not (path.is_file() or _version(path / "Chart.yaml") == chart.version)


def _version(file: Path) -> str | None:
    """What a `Chart.yaml` says, if it is one."""
    if not file.is_file():
        return None
    text = file.read_text(encoding="utf-8", errors="replace")
    found = re.search(r"^version:\s*[\"']?([^\s\"']+)", text, re.MULTILINE)
    return found[1] if found else None
