"""Helm charts: from their public repositories, or from where the stack's settings say."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi_kubernetes as kubernetes

import config


@dataclass(frozen=True, kw_only=True)
class Location:
    """Where a chart is, in the words of `kubernetes.helm.v3.Release`.

    Attributes:
        chart: Its name in a repository, its path on this machine, or its address in an OCI registry.
        version: Its version; what it finds on this machine, Helm takes, whatever its version.
        repository_opts: Its repository; None where `chart` says all.
    """

    chart: str
    version: str
    repository_opts: kubernetes.helm.v3.RepositoryOptsArgs | None


def locate(chart: config.Chart, source: str | None) -> Location:
    """Where a chart is to be taken from.

    https://github.com/pulumi/pulumi-kubernetes/blob/v4.29.0/provider/pkg/provider/helm_release.go

    Args:
        chart: Which.
        source: `Settings.charts`: a folder, an OCI registry, or None for the chart's own repository.
    """
    if source is None:
        repository = kubernetes.helm.v3.RepositoryOptsArgs(repo=chart.repository)
        return Location(chart=chart.name, version=chart.version, repository_opts=repository)
    if config.is_registry(source):
        return Location(chart=f"{source}/{chart.name}", version=chart.version, repository_opts=None)
    return Location(chart=config.local_chart(source, chart), version=chart.version, repository_opts=None)
