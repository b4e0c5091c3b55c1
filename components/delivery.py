"""Delivery: who brings images in, what they may, and what nobody may bring in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

import settings
from components.admission import Admission, AdmissionArgs
from components.cluster_reference import ClusterReference
from components.environment import Environment
from components.identities import DELIVERY, RELEASE, VERIFY
from components.jenkins import Jenkins, JenkinsArgs
from components.namespace import Namespace, NamespaceArgs
from components.network import Network
from components.registry import Registry
from components.release_access import ReleaseAccess, ReleaseAccessArgs


@dataclass(frozen=True, kw_only=True)
class DeliveryArgs:
    """What `Delivery` is made from.

    Attributes:
        config: The stack's settings: Jenkins', and whether what must not go is protected.
        cluster: The cluster.
        environments: Each environment, by name.
        registry: The services' repositories.
        network: The VPC.
        staff: Name of the IngressClass that staff reach.
    """

    config: settings.Settings
    cluster: ClusterReference
    environments: Mapping[str, Environment]
    registry: Registry
    network: Network
    staff: pulumi.Input[str]


class Delivery(pulumi.ComponentResource):
    """A namespace for the programs that deliver, their service accounts, and the rights and limits of a release.

    And Jenkins, where the settings have it. It takes providers of both, `aws` and `kubernetes`.

    Attributes:
        namespace: The namespace of delivery's programs.
    """

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: DeliveryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Delivery", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        protect = args.config.protect
        self.namespace = Namespace(DELIVERY, NamespaceArgs(name=DELIVERY, protect=protect), opts=child).namespace
        for account in (RELEASE, VERIFY):
            kubernetes.core.v1.ServiceAccount(
                f"{DELIVERY}-{account}",
                metadata=ObjectMetaArgs(name=account, namespace=self.namespace),
                # A pod that acts as it asks for its token itself.
                automount_service_account_token=False,
                opts=child,
            )
        services = list(args.config.services)
        namespaces = {environment: one.namespace for environment, one in args.environments.items()}
        ReleaseAccess(name, ReleaseAccessArgs(environments=namespaces, services=services), opts=child)
        Admission(
            name,
            AdmissionArgs(environments=namespaces, repositories=args.registry.repository_urls, protect=protect),
            opts=child,
        )
        if args.config.delivery:
            Jenkins(
                name,
                JenkinsArgs(
                    config=args.config,
                    delivery=args.config.delivery,
                    cluster=args.cluster,
                    registry=args.registry,
                    addresses=args.network.addresses,
                    agents_in=self.namespace,
                    ingress_class=args.staff,
                ),
                opts=child,
            )
        self.register_outputs({"namespace": self.namespace})
