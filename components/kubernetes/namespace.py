"""A namespace with a Pod Security standard and a default-deny NetworkPolicy."""

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
    """Arguments of `Namespace`.

    Attributes:
        name: The namespace's name.
        protect: Whether Pulumi refuses to delete it.
        pod_security: Pod Security standard that admission enforces.
            https://kubernetes.io/docs/concepts/security/pod-security-standards/
        labels: Labels besides those of Pod Security.
    """

    name: str
    protect: bool
    pod_security: Literal["restricted", "privileged"] = "restricted"
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


class Namespace(pulumi.ComponentResource):
    """A namespace that enforces a Pod Security standard and denies all traffic that no further NetworkPolicy allows.

    Attributes:
        namespace: Its name, resolved once it exists: objects in it depend on it.
    """

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: NamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Namespace", name, {}, opts)
        namespace = kubernetes.core.v1.Namespace(
            name,
            metadata=ObjectMetaArgs(name=args.name, labels={**args.labels, **pod_security_labels(args.pod_security)}),
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        self.namespace = name_of(namespace.metadata, args.name)
        kubernetes.networking.v1.NetworkPolicy(
            name,
            metadata=ObjectMetaArgs(name="default", namespace=self.namespace),
            spec=network_policy.default_deny(),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"namespace": self.namespace})


def pod_security_labels(standard: str) -> dict[str, str]:
    """Labels that enforce a Pod Security standard on pods, and warn and audit where a Deployment's pods violate it.

    The version is pinned: an upgraded cluster keeps the rules until the program names the new version.
    """
    modes = ("enforce", "warn", "audit")
    return {
        **{f"{POD_SECURITY}/{mode}": standard for mode in modes},
        **{f"{POD_SECURITY}/{mode}-version": f"v{versions.KUBERNETES}" for mode in modes},
    }
