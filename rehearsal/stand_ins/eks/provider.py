"""The engine's side: components are constructed on its demand."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.provider import ConstructResult, Provider

from rehearsal.layout import Layout
from rehearsal.stand_ins.eks.cluster import Cluster
from rehearsal.stand_ins.eks.node_group import ManagedNodeGroup

VERSION = "4.4.0"
"""The version of pulumi-eks whose components these are like."""


class EksProvider(Provider):
    """Constructs the components of pulumi-eks that this project uses."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(VERSION, schema="{}")
        self._layout = layout

    def construct(
        self, name: str, resource_type: str, inputs: Any, options: pulumi.ResourceOptions | None = None
    ) -> ConstructResult:
        """Registers a component and its children.

        Raises:
            ValueError: The stand-in has no such component, or does not know some argument.
        """
        if resource_type == "eks:index:Cluster":
            cluster = Cluster(name, inputs, self._layout, options)
            return ConstructResult(cluster.urn, cluster.state)
        if resource_type == "eks:index:ManagedNodeGroup":
            group = ManagedNodeGroup(name, inputs, options)
            return ConstructResult(group.urn, group.state)
        raise ValueError(
            f"the eks stand-in has no component {resource_type}.\n"
            f"  What to do: add it to rehearsal/stand_ins/eks/, with the children that the real one registers."
        )
