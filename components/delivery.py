"""Delivery: who brings images in, what they may, and what nobody may bring in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.admission import Admission, AdmissionArgs
from components.environment import Environment
from components.identities import DELIVERY, RELEASE, VERIFY
from components.namespace import Namespace, NamespaceArgs
from components.release_access import ReleaseAccess, ReleaseAccessArgs


@dataclass(frozen=True, kw_only=True)
class DeliveryArgs:
    """What `Delivery` is made from.

    Attributes:
        environments: Each environment, by name.
        repositories: URL of each service's ECR repository.
        protect: Whether its namespace and the records of verified images refuse to be deleted.
    """

    environments: Mapping[str, Environment]
    repositories: Mapping[str, pulumi.Input[str]]
    protect: bool


class Delivery(pulumi.ComponentResource):
    """A namespace for the programs that deliver, their service accounts, and the rights and limits of a release.

    Attributes:
        namespace: The namespace of delivery's programs.
    """

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: DeliveryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Delivery", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.namespace = Namespace(DELIVERY, NamespaceArgs(name=DELIVERY, protect=args.protect), opts=child).namespace
        for account in (RELEASE, VERIFY):
            kubernetes.core.v1.ServiceAccount(
                f"{DELIVERY}-{account}",
                metadata=ObjectMetaArgs(name=account, namespace=self.namespace),
                # A pod that acts as it asks for its token itself.
                automount_service_account_token=False,
                opts=child,
            )
        services = list(args.repositories)
        namespaces = {environment: one.namespace for environment, one in args.environments.items()}
        ReleaseAccess(name, ReleaseAccessArgs(environments=namespaces, services=services), opts=child)
        Admission(
            name,
            AdmissionArgs(environments=namespaces, repositories=args.repositories, protect=args.protect),
            opts=child,
        )
        self.register_outputs({"namespace": self.namespace})
