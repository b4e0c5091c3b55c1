"""How a host name reaches Services: one Ingress a host, on the load balancer of its class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.annotations import SKIP_AWAIT

CONTROLLER = "ingress.k8s.aws/alb"
"""The AWS Load Balancer Controller's name as an IngressClass knows it.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/ingress_class/
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
    """

    namespace: pulumi.Input[str]
    host: str
    ingress_class: pulumi.Input[str]
    routes: Sequence[Route]

    def __post_init__(self) -> None:
        """Refuses a host that leads nowhere."""
        if not self.routes:
            raise ValueError(f"{self.host}: an Ingress needs at least one route")


class IngressClass(pulumi.ComponentResource):
    """A load balancer that Ingresses ask for by name.

    Attributes:
        ingress_class: The IngressClass's name, known once it exists.
    """

    ingress_class: pulumi.Output[str]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:IngressClass", name, {}, opts)
        made = kubernetes.networking.v1.IngressClass(
            name,
            metadata=ObjectMetaArgs(name=name),
            spec=kubernetes.networking.v1.IngressClassSpecArgs(controller=CONTROLLER),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.ingress_class = made.metadata.name.apply(lambda known: known or name)
        self.register_outputs({"ingress_class": self.ingress_class})


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
            metadata=ObjectMetaArgs(name=name, namespace=args.namespace, annotations=SKIP_AWAIT),
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
