"""Delivery: who brings images in, what they may, and what nobody may bring in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

import config
from components.aws.ecr import EcrRepositories
from components.aws.iam import Statement
from components.aws.network import Network
from components.cluster.core_addons import CoreAddons
from components.cluster.pod_identity import PodIdentity, PodIdentityArgs
from components.cluster.reference import ClusterReference
from components.delivery.jenkins.component import Jenkins, JenkinsArgs
from components.delivery.preview_role import PreviewRole, PreviewRoleArgs
from components.delivery.release_access import ReleaseAccess, ReleaseAccessArgs
from components.ingress.ingress import Backend
from components.kubernetes import network_policy
from components.kubernetes.namespace import Namespace, NamespaceArgs
from components.workload.admission import Admission, AdmissionArgs
from components.workload.environment import Environment
from contract.identities import RELEASE, VERIFY
from contract.namespaces import DELIVERY

KEEP = ("ecr:BatchGetImage", "ecr:PutImage")
"""To tag an image, so that the registry keeps it."""

COLLECT = ("ecr:DescribeImages", "ecr:BatchDeleteImage")
"""To take the tags of old ones off. The second also deletes images: ECR knows no right to a tag alone."""


@dataclass(frozen=True, kw_only=True)
class DeliveryArgs:
    """What `Delivery` is made from.

    Attributes:
        ports: The port of each service, by name.
        delivery: Jenkins; None for none.
        previews: The role for previews; None for none.
        previews_in_jenkins: Whether Jenkins previews changes of the platform.
        jenkins_host: Host name of Jenkins.
        environment: On whose nodes the tools run.
        charts: Where charts come from instead of their public repositories.
        protect: Whether what holds data or serves refuses to be deleted.
        cluster: The cluster.
        environments: Each environment, by name.
        registry: The services' repositories.
        network: The VPC.
        base: What pods need of the cluster besides nodes: there before Jenkins, gone after it.
    """

    ports: Mapping[str, int]
    delivery: config.Delivery | None
    previews: config.Previews | None
    previews_in_jenkins: bool
    jenkins_host: str
    environment: config.EnvironmentName
    charts: str | None
    protect: bool
    cluster: ClusterReference
    environments: Mapping[str, Environment]
    registry: EcrRepositories
    network: Network
    base: CoreAddons


class Delivery(pulumi.ComponentResource):
    """A namespace for the programs that deliver, their identities, and the rights and limits of a release.

    And Jenkins, and roles for previews, where the settings have them. It takes providers of both, `aws` and
    `kubernetes`.

    Attributes:
        namespace: The namespace of delivery's programs.
        backends: What its hosts lead to, by name.
    """

    namespace: pulumi.Output[str]
    backends: dict[str, Backend]

    def __init__(self, name: str, args: DeliveryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Delivery", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.namespace = Namespace(DELIVERY, NamespaceArgs(name=DELIVERY, protect=args.protect), opts=child).namespace
        services = list(args.ports)
        self._identity(RELEASE, args.cluster, permissions(args.cluster, services, *KEEP, *COLLECT))
        self._identity(VERIFY, args.cluster, permissions(args.cluster, services, *KEEP))
        kubernetes.networking.v1.NetworkPolicy(
            f"{DELIVERY}-{RELEASE}",
            metadata=ObjectMetaArgs(name=RELEASE, namespace=self.namespace),
            spec=network_policy.of_tool(args.ports, addresses=args.network.addresses),
            opts=child,
        )
        namespaces = {environment: one.namespace for environment, one in args.environments.items()}
        ReleaseAccess(name, ReleaseAccessArgs(environments=namespaces, services=services), opts=child)
        Admission(
            name,
            AdmissionArgs(environments=namespaces, repositories=args.registry.repository_urls, protect=args.protect),
            opts=child,
        )
        self.backends = {}
        if args.delivery:
            jenkins = Jenkins(
                name,
                JenkinsArgs(
                    delivery=args.delivery,
                    previews=args.previews if args.previews_in_jenkins else None,
                    services=services,
                    host=args.jenkins_host,
                    environment=args.environment,
                    charts=args.charts,
                    protect=args.protect,
                    cluster=args.cluster,
                    registry=args.registry,
                    addresses=args.network.addresses,
                    agents_in=self.namespace,
                    base=args.base,
                ),
                opts=child,
            )
            self.backends["jenkins"] = jenkins.backend
            if jenkins.hook:
                self.backends["hook"] = jenkins.hook
        if args.previews:
            agents_in = self.namespace if args.previews_in_jenkins else None
            asked = PreviewRoleArgs(previews=args.previews, cluster=args.cluster, agents_in=agents_in)
            PreviewRole(name, asked, opts=child)
        self.register_outputs({"namespace": self.namespace})

    def _identity(self, account: str, cluster: ClusterReference, statement: Statement) -> None:
        """A service account, and the IAM role that its pods act as."""
        child = pulumi.ResourceOptions(parent=self)
        kubernetes.core.v1.ServiceAccount(
            f"{DELIVERY}-{account}",
            metadata=ObjectMetaArgs(name=account, namespace=self.namespace),
            # A pod that acts as it asks for its token itself.
            automount_service_account_token=False,
            opts=child,
        )
        PodIdentity(
            f"{self.pulumi_resource_name}-{account.removeprefix('hello-')}",
            PodIdentityArgs(cluster=cluster, namespace=DELIVERY, service_account=account, statements=[statement]),
            opts=child,
        )


def permissions(cluster: ClusterReference, services: Sequence[str], *actions: str) -> Statement:
    """Actions on the services' repositories, which are named after the cluster."""
    repositories = [cluster.account.arn("ecr", f"repository/{cluster.name}/{service}") for service in services]
    return Statement(actions=actions, resources=repositories)
