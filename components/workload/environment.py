"""One environment: its namespace, its quotas, its services, and the backend of its host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

import config
from components.ingress.ingress import Backend, Route
from components.ingress.preview import Preview
from components.kubernetes import quotas
from components.kubernetes.namespace import Namespace, NamespaceArgs
from components.kubernetes.network_policy import Addresses
from components.workload.blue_green import BlueGreen, BlueGreenArgs
from contract import labels
from contract.blue_green import PORT_NAME


@dataclass(frozen=True, kw_only=True)
class EnvironmentArgs:
    """Arguments of `Environment`.

    Attributes:
        name: `dev` or `prod`: the namespace's name, and the value of its label `environment`.
        services: Configuration of each service, by name.
        secrets: The services' secrets in this environment, by service and variable, in clear text.
        staff: IPv4 ranges from which the services' previews can be seen.
        quota: Limits on the sum of all pods.
        protect: Whether the namespace, the Services and the Deployments are protected from deletion.
        repositories: URL of each service's ECR repository.
        dashboard: URL of the environment's dashboard in Kibana.
        prometheus: URL of Prometheus; None without one.
        addresses: IP ranges of the VPC.
        priority_class: Name of the services' PriorityClass.
        service_nodes: Whether the environment has nodes for its services alone.
        kept_objects: Kubernetes provider of objects that are retained on delete and may be created again.
    """

    name: config.EnvironmentName
    services: Mapping[str, config.Service]
    secrets: Mapping[str, Mapping[str, str]]
    staff: Sequence[str]
    quota: config.Quota
    protect: bool
    repositories: Mapping[str, pulumi.Input[str]]
    dashboard: str
    prometheus: str | None
    addresses: Addresses
    priority_class: pulumi.Input[str]
    service_nodes: bool
    kept_objects: kubernetes.Provider


class Environment(pulumi.ComponentResource):
    """A namespace with Pod Security `restricted`, a default-deny NetworkPolicy, quotas, and every service in two slots.

    Attributes:
        namespace: Name of the namespace. What uses this output is created after the namespace and deleted before it.
        backend: Routes of the environment's host.
        contracts: The blue/green contract of each service, by name.
    """

    namespace: pulumi.Output[str]
    backend: Backend
    contracts: dict[str, pulumi.Output[dict[str, Any]]]

    def __init__(self, name: str, args: EnvironmentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Environment", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        self.namespace = Namespace(
            name,
            NamespaceArgs(name=args.name, labels={labels.ENVIRONMENT: args.name}, protect=args.protect),
            opts=child,
        ).namespace
        self._quotas(self.namespace, args.quota)

        services = {
            service: BlueGreen(
                f"{name}-{service}",
                BlueGreenArgs(
                    environment=args.name,
                    namespace=self.namespace,
                    service=service,
                    repository=args.repositories[service],
                    spec=spec,
                    secrets=args.secrets[service],
                    callers=[caller for caller, other in args.services.items() if service in other.egress.services],
                    dashboard=args.dashboard,
                    prometheus=args.prometheus,
                    addresses=args.addresses,
                    priority_class=args.priority_class,
                    service_nodes=args.service_nodes,
                    protect=args.protect,
                    kept_objects=args.kept_objects,
                ),
                opts=child,
            )
            for service, spec in args.services.items()
        }
        self.contracts = {name: service.contract for name, service in services.items()}
        self.backend = Backend(
            namespace=self.namespace,
            routes=[
                Route(path=path, service=service, port=PORT_NAME, by_weight=spec.canary is not None)
                for service, spec in args.services.items()
                for path in spec.paths
            ],
            environment=args.name,
            previews=[
                Preview(
                    service=service,
                    paths=spec.paths,
                    header=spec.preview.header,
                    value=spec.preview.value,
                    sources=args.staff,
                )
                for service, spec in args.services.items()
                if spec.preview
            ],
            # The controller writes no rule of the load balancer while a Service is missing that one names.
            services=[one for service in services.values() for one in service.routed],
        )
        self.register_outputs({"namespace": self.namespace, "contracts": self.contracts})

    def _quotas(self, namespace: pulumi.Output[str], quota: config.Quota) -> None:
        child = pulumi.ResourceOptions(parent=self)
        kubernetes.core.v1.ResourceQuota(
            self.pulumi_resource_name,
            metadata=ObjectMetaArgs(name="environment", namespace=namespace),
            spec=quotas.quota(quota),
            opts=child,
        )
        kubernetes.core.v1.ResourceQuota(
            f"{self.pulumi_resource_name}-foreign-priority-classes",
            metadata=ObjectMetaArgs(name="foreign-priority-classes", namespace=namespace),
            spec=quotas.no_foreign_classes(),
            opts=child,
        )
        kubernetes.core.v1.LimitRange(
            self.pulumi_resource_name,
            metadata=ObjectMetaArgs(name="environment", namespace=namespace),
            spec=quotas.defaults(),
            opts=child,
        )
