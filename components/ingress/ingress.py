"""How a host name reaches Services: one Ingress a host, on the load balancer of its class."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.ingress.target_group import PREFIX
from contract import labels

BOTH_PORTS = '[{"HTTP": 80}, {"HTTPS": 443}]'
"""The class sends what comes to the first on to the second.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/v3.3/guide/ingress/annotations/#traffic-listening
"""


UNTIL_THERE_IS_AN_ADDRESS = {"pulumi.com/waitFor": "jsonpath={.status.loadBalancer.ingress[0].hostname}"}
"""All that `up` waits for: records need it, and the controller gives it whether or not a pod is ready.

https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/
"""

SOURCES_OF_A_RULE = 3
"""Ranges that a rule takes: of its five values one is the host and one an exact path.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
"""


@dataclass(frozen=True, kw_only=True)
class Route:
    """Where requests under a path go.

    Attributes:
        path: Path prefix.
        service: The Service's name.
        port: Name or number of the Service's port.
        exact: Whether it is the whole path, and nothing under it.
    """

    path: str
    service: str
    port: str | int
    exact: bool = False


@dataclass(frozen=True, kw_only=True)
class Backend:
    """What a host name leads to.

    Attributes:
        namespace: Where the Services are.
        routes: At least one; the longest matching prefix wins.
        environment: On whose nodes the Services' pods are.
        annotations: What its Services do not say of themselves: `target_group`.
        sources: Ranges of those it answers, IPv4; all whom its load balancer lets in where none is listed. For exact
            paths only.
    """

    namespace: pulumi.Input[str]
    routes: Sequence[Route]
    environment: str
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])
    sources: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Refuses one that leads nowhere, and one whose rules would have too many values."""
        if not self.routes:
            raise ValueError("a backend needs at least one route")
        if self.sources and not all(route.exact for route in self.routes):
            raise ValueError("a backend for listed addresses needs exact paths: a rule has no room for others")


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
    """One host name and the Services behind it; several Ingresses where more addresses are listed than a rule takes.

    Attributes:
        address: Host name of its load balancer, known once the controller has made it.
    """

    address: pulumi.Output[str]

    def __init__(self, name: str, args: IngressArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Ingress", name, {}, opts)
        sources = args.backend.sources
        batches = [sources[at : at + SOURCES_OF_A_RULE] for at in range(0, len(sources), SOURCES_OF_A_RULE)] or [()]
        made = [
            self._ingress(f"{name}-{number}" if number > 1 else name, args, batch)
            for number, batch in enumerate(batches, start=1)
        ]
        self.address = made[0].status.apply(_address)
        self.register_outputs({"address": self.address})

    def _ingress(self, name: str, args: IngressArgs, sources: Sequence[str]) -> kubernetes.networking.v1.Ingress:
        return kubernetes.networking.v1.Ingress(
            name,
            metadata=ObjectMetaArgs(
                name=name, namespace=args.backend.namespace, annotations=own_annotations(args.backend, sources)
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


def own_annotations(backend: Backend, sources: Sequence[str] = ()) -> dict[str, str]:
    """An Ingress' own: all else its class and its Services say.

    Args:
        backend: What it leads to.
        sources: Ranges of those it answers; none is everybody.
    """
    condition = json.dumps([{"field": "source-ip", "sourceIpConfig": {"values": list(sources)}}])
    return {
        **UNTIL_THERE_IS_AN_ADDRESS,
        f"{PREFIX}/listen-ports": BOTH_PORTS,
        # Else the load balancer would come by the other environment's nodes too.
        f"{PREFIX}/target-node-labels": f"{labels.ENVIRONMENT}={backend.environment}",
        **backend.annotations,
        **({f"{PREFIX}/conditions.{route.service}": condition for route in backend.routes} if sources else {}),
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
        path_type="Exact" if route.exact else "Prefix",
        backend=kubernetes.networking.v1.IngressBackendArgs(
            service=kubernetes.networking.v1.IngressServiceBackendArgs(name=route.service, port=port)
        ),
    )
