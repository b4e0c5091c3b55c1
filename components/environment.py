"""The namespace of one environment, and what it may use."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

import settings
from components import labels
from components.namespace import Namespace, NamespaceArgs


@dataclass(frozen=True, kw_only=True)
class EnvironmentArgs:
    """What an `Environment` is made from.

    Attributes:
        name: `dev` or `prod`: the namespace's name and label.
        quota: What all pods of both slots may use together.
    """

    name: str
    quota: settings.Quota


class Environment(pulumi.ComponentResource):
    """A namespace under Pod Security `restricted`, with a ResourceQuota.

    Attributes:
        namespace: The namespace's name, known once it exists.
    """

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: EnvironmentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Environment", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        self.namespace = Namespace(
            name, NamespaceArgs(name=args.name, labels={labels.ENVIRONMENT: args.name}), opts=child
        ).namespace
        kubernetes.core.v1.ResourceQuota(
            name,
            metadata=ObjectMetaArgs(name="environment", namespace=self.namespace),
            spec=kubernetes.core.v1.ResourceQuotaSpecArgs(
                hard={
                    "requests.cpu": args.quota.cpu,
                    "requests.memory": args.quota.memory,
                    "pods": str(args.quota.pods),
                }
            ),
            opts=child,
        )
        self.register_outputs({"namespace": self.namespace})
