"""The page of releases: a Deployment of one pod, which reads the environments and writes nothing.

It runs the agents' image, as the reconciler does. Who reaches it sees it: it asks for no login, so it is behind the
staff load balancer only, and shows what `release status` and `release history` show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.core.v1 import ServicePortArgs, ServiceSpecArgs
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, ObjectMetaArgs
from pulumi_kubernetes.networking.v1 import NetworkPolicyIngressRuleArgs, NetworkPolicySpecArgs
from pulumi_kubernetes.rbac.v1 import RoleRefArgs, SubjectArgs

from components.delivery import release_tool
from components.delivery.release_tool import PORT, READY, ReleaseToolArgs
from components.ingress.ingress import Backend, Route
from components.ingress.target_group import target_group
from components.kubernetes.network_policy import BOTH_WAYS, Addresses, ip_blocks, kubernetes_api, tcp
from contract import labels
from contract.identities import PAGE
from contract.namespaces import DELIVERY

LABELS = {labels.SERVICE: PAGE}

ROLE = "hello-look"
"""Role of `ReleaseAccess` that it is bound to: it reads, and no Secret."""

SERVICE_PORT = 80

REQUESTS = {"cpu": "50m", "memory": "256Mi", "ephemeral-storage": "16Mi"}
LIMITS = {"cpu": "500m", "memory": "256Mi", "ephemeral-storage": "32Mi"}

LONGEST_REQUEST = 5
"""Seconds. A browser that watches has an open request for as long as it likes, and makes a new one when that ends."""


@dataclass(frozen=True, kw_only=True)
class ReleasesPageArgs:
    """Arguments of `ReleasesPage`.

    Attributes:
        image: Its image, by digest.
        replicas: Number of pods; 0 while there is no such image.
        namespace: Namespace of its pod.
        environments: Namespace of each environment, by the environment's name.
        environment: Environment on whose nodes it runs.
        priority_class: Name of the PriorityClass.
        addresses: The VPC's ranges.
    """

    image: pulumi.Input[str]
    replicas: int
    namespace: pulumi.Input[str]
    environments: Mapping[str, pulumi.Input[str]]
    environment: str
    priority_class: pulumi.Input[str]
    addresses: Addresses


class ReleasesPage(pulumi.ComponentResource):
    """Its Deployment, Service, service account, bindings to Roles, and NetworkPolicy.

    Attributes:
        backend: Routes of its host.
    """

    backend: Backend

    def __init__(self, name: str, args: ReleasesPageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:ReleasesPage", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        metadata = ObjectMetaArgs(name=PAGE, namespace=args.namespace)
        account = kubernetes.core.v1.ServiceAccount(
            PAGE, metadata=metadata, automount_service_account_token=False, opts=child
        )
        for environment, namespace in args.environments.items():
            kubernetes.rbac.v1.RoleBinding(
                f"{environment}-{PAGE}",
                metadata=ObjectMetaArgs(name=PAGE, namespace=namespace),
                role_ref=RoleRefArgs(api_group="rbac.authorization.k8s.io", kind="Role", name=ROLE),
                subjects=[SubjectArgs(kind="ServiceAccount", name=PAGE, namespace=DELIVERY)],
                opts=child,
            )
        kubernetes.networking.v1.NetworkPolicy(
            f"{DELIVERY}-{PAGE}", metadata=metadata, spec=network_policy(args.addresses), opts=child
        )
        release_tool.deployment(
            PAGE,
            ReleaseToolArgs(
                namespace=args.namespace,
                labels=LABELS,
                replicas=args.replicas,
                image=args.image,
                container="page",
                arguments=["page", "--address=0.0.0.0", f"--port={PORT}"],
                port_name="http",
                requests=REQUESTS,
                limits=LIMITS,
                environment=args.environment,
                priority_class=args.priority_class,
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[account]),
        )
        kubernetes.core.v1.Service(
            PAGE,
            metadata=ObjectMetaArgs(name=PAGE, namespace=args.namespace, annotations={"pulumi.com/skipAwait": "true"}),
            spec=ServiceSpecArgs(
                type="NodePort",
                selector=LABELS,
                ports=[ServicePortArgs(name="http", port=SERVICE_PORT, target_port="http", protocol="TCP")],
            ),
            opts=child,
        )
        self.backend = Backend(
            namespace=args.namespace,
            routes=[Route(path="/", service=PAGE, port=SERVICE_PORT)],
            environment=args.environment,
            annotations=target_group(health_path=READY, longest_request_seconds=LONGEST_REQUEST),
        )
        self.register_outputs({})


def network_policy(addresses: Addresses) -> NetworkPolicySpecArgs:
    """Policy of its pod: from the load balancer to its port; to the Kubernetes API, and nowhere else."""
    return NetworkPolicySpecArgs(
        pod_selector=LabelSelectorArgs(match_labels=LABELS),
        policy_types=BOTH_WAYS,
        # The load balancer's requests come through a NodePort, hence from a node's address.
        ingress=[NetworkPolicyIngressRuleArgs(from_=ip_blocks(addresses.nodes), ports=tcp(PORT))],
        egress=[kubernetes_api(addresses)],
    )
