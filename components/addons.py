"""EKS add-ons that need nodes to become healthy."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

import versions

VERSIONS = {"coredns": versions.COREDNS}
"""By add-on. A version left to AWS would make each preview ask for the newest, and change."""


@dataclass(frozen=True, kw_only=True)
class AddonsArgs:
    """What `Addons` are made from.

    Attributes:
        cluster_name: The cluster's name in AWS.
    """

    cluster_name: pulumi.Input[str]


class Addons(pulumi.ComponentResource):
    """Add-ons of a cluster, each at its pinned version."""

    def __init__(self, name: str, args: AddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Addons", name, {}, opts)
        for addon, version in VERSIONS.items():
            aws.eks.Addon(
                f"{name}-{addon}",
                cluster_name=args.cluster_name,
                addon_name=addon,
                addon_version=version,
                resolve_conflicts_on_create="OVERWRITE",
                resolve_conflicts_on_update="PRESERVE",
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
