"""How a host name reaches Services: one Ingress a host, on the load balancer of its class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components import labels
from components.target_group import PREFIX

BOTH_PORTS = '[{"HTTP": 80}, {"HTTPS": 443}]'
"""The class sends what comes to the first on to the second.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/v3.3/guide/ingress/annotations/#traffic-listening
"""


UNTIL_THERE_IS_AN_ADDRESS = {"pulumi.com/waitFor": "jsonpath={.status.loadBalancer.ingress[0].hostname}"}
"""All that `up` waits for: records need it, and the controller gives it whether or not a pod is ready.

https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/
"""


@dataclass(frozen=True, kw_only=True)
class Route:
    """Where requests under a path go.

    Attributes:
        path: Path prefix.
        service: The Service's name.
        port: Name or number of the Service's port.
    """

    path: str
    service: str
    port: str | int


@dataclass(frozen=True, kw_only=True)
class Backend:
    """What a host name leads to.

    Attributes:
        namespace: Where the Services are.
        routes: At least one; the longest matching prefix wins.
        environment: On whose nodes the Services' pods are.
        annotations: What its Services do not say of themselves: `target_group`.
    """

    namespace: pulumi.Input[str]
    routes: Sequence[Route]
    environment: str
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        """Refuses one that leads nowhere."""
        if not self.routes:
            raise ValueError("a backend needs at least one route")


@dataclass(frozen=True, kw_only=True)
class IngressArgs:
    """What an `Ingress` is made from.

    Attributes:
        host: The host name.
        ingress_class: Name of the IngressClass.
        backend: What it leads to.
    """

    host: str
    ingress_class: pulumi.Input[str]
    backend: Backend


class Ingress(pulumi.ComponentResource):
    """One host name and the Services behind it.

    Attributes:
        address: Host name of its load balancer, known once the controller has made it.
    """

    address: pulumi.Output[str]

    def __init__(self, name: str, args: IngressArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Ingress", name, {}, opts)
        made = kubernetes.networking.v1.Ingress(
            name,
            metadata=ObjectMetaArgs(
                name=name, namespace=args.backend.namespace, annotations=own_annotations(args.backend)
            ),
            spec=kubernetes.networking.v1.IngressSpecArgs(
                ingress_class_name=args.ingress_class,
                rules=[
                    kubernetes.networking.v1.IngressRuleArgs(
                        host=args.host,
                        http=kubernetes.networking.v1.HTTPIngressRuleValueArgs(
                            paths=[_path(route) for route in args.backend.routes]
                        ),
                    )
                ],
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.address = made.status.apply(_address)
        self.register_outputs({"address": self.address})


def own_annotations(backend: Backend) -> dict[str, str]:
    """An Ingress' own: all else its class and its Services say."""
    return {
        **UNTIL_THERE_IS_AN_ADDRESS,
        f"{PREFIX}/listen-ports": BOTH_PORTS,
        # Else the load balancer would come by the other environment's nodes too.
        f"{PREFIX}/target-node-labels": f"{labels.ENVIRONMENT}={backend.environment}",
        **backend.annotations,
    }


def _address(status: kubernetes.networking.v1.outputs.IngressStatus | None) -> str:
    there = status.load_balancer.ingress if status and status.load_balancer else None
    return str(there[0].hostname) if there else ""


def _path(route: Route) -> kubernetes.networking.v1.HTTPIngressPathArgs:
    port = (
        kubernetes.networking.v1.ServiceBackendPortArgs(number=route.port)
        if isinstance(route.port, int)
        else kubernetes.networking.v1.ServiceBackendPortArgs(name=route.port)
    )
    return kubernetes.networking.v1.HTTPIngressPathArgs(
        path=route.path,
        path_type="Prefix",
        backend=kubernetes.networking.v1.IngressBackendArgs(
            service=kubernetes.networking.v1.IngressServiceBackendArgs(name=route.service, port=port)
        ),
    )
