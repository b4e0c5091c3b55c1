"""Helm chart of a controller that calls AWS, with the IAM role of its pods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

import config
from components.aws.policy import Statement
from components.cluster.pod_identity import PodIdentity, PodIdentityArgs
from components.cluster.reference import ClusterReference
from components.kubernetes.charts import locate

NAMESPACE = "kube-system"


@dataclass(frozen=True, kw_only=True)
class Controller:
    """A controller with its own chart.

    Attributes:
        chart: The chart; the Helm release and the service account have its name.
        statements: IAM statements of its pods.
        values: Values of the chart.
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
    """Registers the IAM role and the Helm release of a controller.

    Args:
        controller: The controller.
        prefix: Prefix of the role's name.
        parent: Parent of both.
        cluster: The cluster.
        charts: Source of charts instead of their public repositories; None for those.
        nodes: Resources that its pods need in order to run.
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
