"""A namespace and the Pod Security standard it enforces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs


@dataclass(frozen=True, kw_only=True)
class NamespaceArgs:
    """What a `Namespace` is made from.

    Attributes:
        name: The namespace's name.
        pod_security: The standard that admission enforces.
            https://kubernetes.io/docs/concepts/security/pod-security-standards/
        labels: Labels on top of it.
    """

    name: str
    pod_security: Literal["restricted", "privileged"] = "restricted"
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


class Namespace(pulumi.ComponentResource):
    """A namespace under Pod Security.

    Attributes:
        namespace: Its name; whatever uses it comes after it, and goes before it.
    """

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: NamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Namespace", name, {}, opts)
        made = kubernetes.core.v1.Namespace(
            name,
            metadata=ObjectMetaArgs(
                name=args.name, labels={**args.labels, "pod-security.kubernetes.io/enforce": args.pod_security}
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.namespace = made.metadata.name.apply(lambda known: known or args.name)
        self.register_outputs({"namespace": self.namespace})
