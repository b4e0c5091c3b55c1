"""PriorityClasses: which pods are evicted first when nodes are full."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.kubernetes.metadata import name_of

SERVICES = "services"
TOOLING = "tooling"

VALUES = {SERVICES: 1_000, TOOLING: 10_000}
"""Tooling runs on the same nodes as dev's services and must not be preempted by them. Values above 1 billion are
reserved for Kubernetes.

https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
"""

DESCRIPTIONS = {
    SERVICES: "The services of both environments.",
    TOOLING: "What builds, releases and watches: before the services on the nodes that they share.",
}

SYSTEM = ("system-cluster-critical", "system-node-critical")
"""Kubernetes' own classes, for pods that are critical to the cluster."""


class PriorityClasses(pulumi.ComponentResource):
    """The platform's PriorityClasses; none is the global default.

    Attributes:
        services: Name of the class of the environments' services, resolved once it exists.
        tooling: Name of the class of tooling, resolved once it exists.
    """

    services: pulumi.Output[str]
    tooling: pulumi.Output[str]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:PriorityClasses", name, {}, opts)
        self.services = self._priority_class(SERVICES)
        self.tooling = self._priority_class(TOOLING)
        self.register_outputs({"services": self.services, "tooling": self.tooling})

    def _priority_class(self, name: str) -> pulumi.Output[str]:
        priority_class = kubernetes.scheduling.v1.PriorityClass(
            name,
            metadata=ObjectMetaArgs(name=name),
            value=VALUES[name],
            description=DESCRIPTIONS[name],
            opts=pulumi.ResourceOptions(parent=self),
        )
        return name_of(priority_class.metadata, name)
