"""How a host name reaches Services: one Ingress a host, on the load balancer of its class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components import labels
from components.annotations import SKIP_AWAIT
from components.target_group import PREFIX

BOTH_PORTS = '[{"HTTP": 80}, {"HTTPS": 443}]'
"""The class sends what comes to the first on to the second.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/v3.3/guide/ingress/annotations/#traffic-listening
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
class IngressArgs:
    """What an `Ingress` is made from.

    Attributes:
        namespace: Where the Services are.
        host: The host name.
        ingress_class: Name of the IngressClass.
        routes: At least one; the longest matching prefix wins.
        environment: On whose nodes the Services' pods are.
        annotations: What its Services do not say of themselves: `target_group`.
    """

    namespace: pulumi.Input[str]
    host: str
    ingress_class: pulumi.Input[str]
    routes: Sequence[Route]
    environment: str
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        """Refuses a host that leads nowhere."""
        if not self.routes:
            raise ValueError(f"{self.host}: an Ingress needs at least one route")


class Ingress(pulumi.ComponentResource):
    """One host name and the Services behind it.

    Attributes:
        host: The host name.
    """

    host: str

    def __init__(self, name: str, args: IngressArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Ingress", name, {}, opts)
        kubernetes.networking.v1.Ingress(
            name,
            metadata=ObjectMetaArgs(name=name, namespace=args.namespace, annotations=own_annotations(args)),
            spec=kubernetes.networking.v1.IngressSpecArgs(
                ingress_class_name=args.ingress_class,
                rules=[
                    kubernetes.networking.v1.IngressRuleArgs(
                        host=args.host,
                        http=kubernetes.networking.v1.HTTPIngressRuleValueArgs(
                            paths=[_path(route) for route in args.routes]
                        ),
                    )
                ],
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.host = args.host
        self.register_outputs({"host": self.host})


def own_annotations(args: IngressArgs) -> dict[str, str]:
    """An Ingress' own: all else its class and its Services say."""
    return {
        **SKIP_AWAIT,
        f"{PREFIX}/listen-ports": BOTH_PORTS,
        # Else the load balancer would come by the other environment's nodes too.
        f"{PREFIX}/target-node-labels": f"{labels.ENVIRONMENT}={args.environment}",
        **args.annotations,
    }


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
