"""The charts that the platform installs, and where a folder of charts has them."""

from __future__ import annotations

import re
from pathlib import Path

import versions

CHARTS = {
    "aws-load-balancer-controller": versions.AWS_LOAD_BALANCER_CONTROLLER_CHART,
    "cluster-autoscaler": versions.CLUSTER_AUTOSCALER_CHART,
    "eck-operator": versions.ECK_CHART,
    "jenkins": versions.JENKINS_CHART,
}
"""The version of each chart, by its name."""

REGISTRY = "oci://"
"""What a source begins with that is a registry, and no folder."""


def is_registry(source: str) -> bool:
    """Whether a source is an OCI registry, and no folder."""
    return source.startswith(REGISTRY)


def local_chart(folder: str, name: str) -> str:
    """The path of a chart in a folder of charts: its own folder, as `helm pull --untar` makes it, or else its archive.

    Args:
        folder: The folder of charts. One that is relative gives a path that is.
        name: The chart's name.
    """
    unpacked = Path(folder) / name
    return str(unpacked if unpacked.is_dir() else Path(folder) / f"{name}-{CHARTS[name]}.tgz")


def is_missing(folder: str, name: str) -> bool:
    """Whether a folder of charts lacks a chart, or has it at another version than the platform's.

    Helm takes a chart of any version from a folder, whatever version was asked for.
    """
    chart = Path(local_chart(folder, name))
    return not (chart.is_file() or _version(chart / "Chart.yaml") == CHARTS[name])


def _version(file: Path) -> str | None:
    """What a `Chart.yaml` says, if it is one."""
    if not file.is_file():
        return None
    text = file.read_text(encoding="utf-8", errors="replace")
    found = re.search(r"^version:\s*[\"']?([^\s\"']+)", text, re.MULTILINE)
    return found[1] if found else None
