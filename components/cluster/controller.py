"""A controller of the cluster that acts in AWS: its chart, and the role of its pods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

import config
from components.aws.iam import Statement
from components.cluster.pod_identity import PodIdentity, PodIdentityArgs
from components.cluster.reference import ClusterReference
from components.kubernetes.charts import locate

NAMESPACE = "kube-system"


@dataclass(frozen=True, kw_only=True)
class Controller:
    """What is installed.

    Attributes:
        chart: Its chart; its release and its service account have the chart's name.
        statements: What its pods may do in AWS.
        values: The chart's values.
    """

    chart: config.Chart
    statements: Sequence[Statement]
    values: Mapping[str, Any]


def install(
    controller: Controller,
    *,
    prefix: str,
    parent: pulumi.Resource,
    cluster: ClusterReference,
    charts: str | None,
    nodes: Sequence[pulumi.Resource],
) -> None:
    """Makes the role and then the chart's release, as children of a component.

    Args:
        controller: What is installed.
        prefix: Before the role's name: the platform's.
        parent: The component.
        cluster: Where.
        charts: Where charts come from instead of their public repositories.
        nodes: What it runs on.
    """
    name, location = controller.chart.name, locate(controller.chart, charts)
    identity = PodIdentity(
        f"{prefix}-{name}",
        PodIdentityArgs(
            cluster=cluster,
            namespace=NAMESPACE,
            service_account=name,
            statements=controller.statements,
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    kubernetes.helm.v3.Release(
        name,
        name=name,
        namespace=NAMESPACE,
        chart=location.chart,
        version=location.version,
        repository_opts=location.repository_opts,
        values=controller.values,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[identity, *nodes]),
    )
