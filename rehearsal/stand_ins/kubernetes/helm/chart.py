"""How one Helm chart behaves, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.layout import Layout
from rehearsal.stand_ins.values import Schema
from release.kubernetes_api import KubernetesObject


@dataclass(frozen=True)
class Release:
    """A chart that is to be installed.

    Attributes:
        name: The release's name.
        namespace: Its namespace.
        version: The chart's version.
        values: The program's values; the chart's own defaults are the chart's to add.
    """

    name: str
    namespace: str
    version: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Chart:
    """One chart.

    Attributes:
        name: Its name in its repository.
        repository: The URL of that.
        values: Which values the stand-in knows. Helm itself ignores a value that a chart does not have: a spelling
            mistake would be found by nobody.
        objects: What of it stands in the cluster.
        definitions: Its CustomResourceDefinitions. Helm makes those that are missing, before all else, and neither
            changes nor removes one: https://helm.sh/docs/chart_best_practices/custom_resource_definitions/
        starts: Starts its program, where a real one runs beside the cluster.
        ends: Ends it.
    """

    name: str
    repository: str
    values: Schema
    objects: Callable[[Release], list[KubernetesObject]]
    definitions: Callable[[], list[KubernetesObject]] = list[KubernetesObject]
    starts: Callable[[Layout, Release], None] | None = None
    ends: Callable[[Layout], None] | None = None


def labels(release: Release, chart: str, name: str) -> dict[str, str]:
    """The labels that charts put on their objects.

    https://helm.sh/docs/chart_best_practices/labels/
    """
    return {
        "app.kubernetes.io/instance": release.name,
        "app.kubernetes.io/managed-by": "Helm",
        "app.kubernetes.io/name": name,
        "helm.sh/chart": f"{chart}-{release.version}",
    }


def full_name(release: Release, name: str) -> str:
    """What charts call their objects: `fullnameOverride`, or the release's name and the chart's."""
    override = release.values.get("fullnameOverride")
    if override:
        return str(override)
    return release.name if name in release.name else f"{release.name}-{name}"
