"""A namespace, the Pod Security standard it enforces, and its closed doors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

import versions
from components.kubernetes import network_policy
from components.kubernetes.metadata import name_of

POD_SECURITY = "pod-security.kubernetes.io"
"""https://kubernetes.io/docs/concepts/security/pod-security-admission/."""


@dataclass(frozen=True, kw_only=True)
class NamespaceArgs:
    """What a `Namespace` is made from.

    Attributes:
        name: The namespace's name.
        protect: Whether it refuses to be deleted.
        pod_security: The standard that admission enforces.
            https://kubernetes.io/docs/concepts/security/pod-security-standards/
        labels: Labels on top of it.
    """

    name: str
    protect: bool
    pod_security: Literal["restricted", "privileged"] = "restricted"
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


class Namespace(pulumi.ComponentResource):
    """A namespace under Pod Security, where no pod reaches or is reached until a policy says so.

    Attributes:
        namespace: Its name; whatever uses it comes after it, and goes before it.
    """

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: NamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Namespace", name, {}, opts)
        made = kubernetes.core.v1.Namespace(
            name,
            metadata=ObjectMetaArgs(name=args.name, labels={**args.labels, **pod_security_labels(args.pod_security)}),
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        self.namespace = name_of(made.metadata, args.name)
        kubernetes.networking.v1.NetworkPolicy(
            name,
            metadata=ObjectMetaArgs(name="default", namespace=self.namespace),
            spec=network_policy.closed(),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"namespace": self.namespace})


def pod_security_labels(standard: str) -> dict[str, str]:
    """What breaks a standard is refused, and told in warnings and the audit log where a Deployment would break it.

    The version is pinned: a newer cluster's stricter rules come with a change of ours, not by surprise.
    """
    modes = ("enforce", "warn", "audit")
    return {
        **{f"{POD_SECURITY}/{mode}": standard for mode in modes},
        **{f"{POD_SECURITY}/{mode}-version": f"v{versions.KUBERNETES}" for mode in modes},
    }
