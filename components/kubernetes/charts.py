"""Sources of Helm charts: their public repositories, or the one in the stack configuration."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi_kubernetes as kubernetes

import config


@dataclass(frozen=True, kw_only=True)
class Location:
    """Location of a chart, as inputs of `kubernetes.helm.v3.Release`.

    Attributes:
        chart: Its name in a repository, its local path, or its address in an OCI registry.
        version: Its version; Helm ignores it for a local path.
        repository_opts: Its repository; None for a local path or an OCI registry.
    """

    chart: str
    version: str
    repository_opts: kubernetes.helm.v3.RepositoryOptsArgs | None


def locate(chart: config.Chart, source: str | None) -> Location:
    """Location of a chart.

    https://github.com/pulumi/pulumi-kubernetes/blob/v4.29.0/provider/pkg/provider/helm_release.go

    Args:
        chart: The chart.
        source: `Settings.charts`: a folder, an OCI registry, or None for the chart's public repository.
    """
    if source is None:
        repository = kubernetes.helm.v3.RepositoryOptsArgs(repo=chart.repository)
        return Location(chart=chart.name, version=chart.version, repository_opts=repository)
    if config.is_registry(source):
        return Location(chart=f"{source}/{chart.name}", version=chart.version, repository_opts=None)
    return Location(chart=config.local_chart(source, chart), version=chart.version, repository_opts=None)
