"""A controller of the cluster that acts in AWS: its chart, and the role of its pods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.cluster_reference import ClusterReference
from components.pod_identity import PodIdentity, PodIdentityArgs
from components.roles import Statement

NAMESPACE = "kube-system"


@dataclass(frozen=True, kw_only=True)
class Controller:
    """What is installed.

    Attributes:
        name: Of the chart, its release and its service account.
        version: The chart's.
        repository: URL of the chart's repository.
        statements: What its pods may do in AWS.
        values: The chart's values.
    """

    name: str
    version: str
    repository: str
    statements: Sequence[Statement]
    values: Mapping[str, Any]


def install(
    controller: Controller,
    *,
    prefix: str,
    parent: pulumi.Resource,
    cluster: ClusterReference,
    nodes: Sequence[pulumi.Resource],
) -> None:
    """Makes the role and then the chart's release, as children of a component.

    Args:
        controller: What is installed.
        prefix: Before the role's name: the platform's.
        parent: The component.
        cluster: Where.
        nodes: What it runs on.
    """
    identity = PodIdentity(
        f"{prefix}-{controller.name}",
        PodIdentityArgs(
            cluster=cluster,
            namespace=NAMESPACE,
            service_account=controller.name,
            statements=controller.statements,
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )
    kubernetes.helm.v3.Release(
        controller.name,
        name=controller.name,
        namespace=NAMESPACE,
        chart=controller.name,
        version=controller.version,
        repository_opts=kubernetes.helm.v3.RepositoryOptsArgs(repo=controller.repository),
        values=controller.values,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[identity, *nodes]),
    )
