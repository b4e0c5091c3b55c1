"""Which pods make room for which, where a node is full."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.kubernetes.metadata import name_of

SERVICES = "services"
TOOLING = "tooling"

VALUES = {SERVICES: 1_000, TOOLING: 10_000}
"""Tools share dev's nodes with dev's services, and are not the ones to go. Kubernetes' own classes begin at 2 billion.

https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
"""

DESCRIPTIONS = {
    SERVICES: "The services of both environments.",
    TOOLING: "What builds, releases and watches: before the services on the nodes that they share.",
}

SYSTEM = ("system-cluster-critical", "system-node-critical")
"""Kubernetes' own classes, for what the cluster cannot do without."""


class PriorityClasses(pulumi.ComponentResource):
    """The cluster's own priority classes; a pod names one, none is the default.

    Attributes:
        services: Name of the environments' class, known once it exists.
        tooling: Name of the tools' class, known once it exists.
    """

    services: pulumi.Output[str]
    tooling: pulumi.Output[str]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:PriorityClasses", name, {}, opts)
        self.services = self._made(SERVICES)
        self.tooling = self._made(TOOLING)
        self.register_outputs({"services": self.services, "tooling": self.tooling})

    def _made(self, name: str) -> pulumi.Output[str]:
        made = kubernetes.scheduling.v1.PriorityClass(
            name,
            metadata=ObjectMetaArgs(name=name),
            value=VALUES[name],
            description=DESCRIPTIONS[name],
            opts=pulumi.ResourceOptions(parent=self),
        )
        return name_of(made.metadata, name)
