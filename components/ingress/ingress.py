"""Ingress of one host name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.ingress import forward
from components.ingress.preview import Preview
from components.ingress.target_group import PREFIX
from contract import labels

LISTEN_PORTS = '[{"HTTP": 80}, {"HTTPS": 443}]'
"""The IngressClass redirects HTTP to HTTPS.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/v3.3/guide/ingress/annotations/#traffic-listening
"""

WAIT_FOR_ADDRESS = {"pulumi.com/waitFor": "jsonpath={.status.loadBalancer.ingress[0].hostname}"}
"""`pulumi up` waits for the load balancer's address, which DNS records need, and not for ready pods.

https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/
"""

MAX_SOURCES = 3
"""Maximum of source ranges in a listener rule: it has five condition values, for the host, an exact path and these.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
"""


@dataclass(frozen=True, kw_only=True)
class Route:
    """Route from a path to a Service.

    Attributes:
        path: Path prefix, or the whole path if `exact`.
        service: Name of the Service.
        port: Name or number of the Service's port.
        exact: Whether only this path matches, and none below it.
        by_weight: Whether it leads to the slots of the service by weight, which the release tool sets.
    """

    path: str
    service: str
    port: str | int
    exact: bool = False
    by_weight: bool = False


@dataclass(frozen=True, kw_only=True)
class Backend:
    """Services behind a host name.

    Attributes:
        namespace: Namespace of the Services.
        routes: Routes to them, at least one; the longest matching prefix wins.
        environment: Environment whose nodes run their pods; these nodes are the load balancer's targets.
        annotations: Annotations of `target_group` for Services that do not have them.
        sources: IPv4 ranges of allowed clients, which need exact routes; empty for all that the load balancer allows.
        previews: Services of these routes whose idle slot the staff can see.
        services: The Services of routes by weight and of previews, which the Ingress is created after and deleted
            before.
    """

    namespace: pulumi.Input[str]
    routes: Sequence[Route]
    environment: str
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])
    sources: Sequence[str] = ()
    previews: Sequence[Preview] = ()
    services: Sequence[pulumi.Resource] = ()

    @property
    def all_routes(self) -> list[Route]:
        """Those of previews first: of equal paths, the first whose conditions are met wins."""
        return [
            *(
                Route(path=path, service=action, port=forward.USE_ANNOTATION)
                for preview in self.previews
                for action in preview.actions
                for path in preview.paths
            ),
            *self.routes,
        ]

    def __post_init__(self) -> None:
        """Refuses a backend without routes, and source ranges with prefix routes."""
        if not self.routes:
            raise ValueError("a backend needs at least one route")
        if self.sources and not all(route.exact for route in self.routes):
            raise ValueError(
                "a backend with source ranges needs exact paths: prefixes take too many values of a listener rule"
            )


@dataclass(frozen=True, kw_only=True)
class IngressArgs:
    """Arguments of `Ingress`.

    Attributes:
        host: The host name.
        ingress_class: Name of the IngressClass; the caller's options make the Ingress depend on it.
        backend: The Services behind the host.
    """

    host: str
    ingress_class: str
    backend: Backend


class Ingress(pulumi.ComponentResource):
    """Ingress of one host name; several where the backend has more than `MAX_SOURCES` source ranges.

    Attributes:
        address: Host name of the load balancer, resolved once the controller has created it.
    """

    address: pulumi.Output[str]

    def __init__(self, name: str, args: IngressArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hello:platform:Ingress", name, {}, opts)
        sources = args.backend.sources
        batches = [sources[start : start + MAX_SOURCES] for start in range(0, len(sources), MAX_SOURCES)] or [()]
        ingresses = [
            self._ingress(f"{name}-{number}" if number > 1 else name, args, batch)
            for number, batch in enumerate(batches, start=1)
        ]
        self.address = ingresses[0].status.apply(_address)
        self.register_outputs({"address": self.address})

    def _ingress(self, name: str, args: IngressArgs, sources: Sequence[str]) -> kubernetes.networking.v1.Ingress:
        return kubernetes.networking.v1.Ingress(
            name,
            metadata=ObjectMetaArgs(
                name=name, namespace=args.backend.namespace, annotations=ingress_annotations(args.backend, sources)
            ),
            spec=kubernetes.networking.v1.IngressSpecArgs(
                ingress_class_name=args.ingress_class,
                rules=[
                    kubernetes.networking.v1.IngressRuleArgs(
                        host=args.host,
                        http=kubernetes.networking.v1.HTTPIngressRuleValueArgs(
                            paths=[_path(route) for route in args.backend.all_routes]
                        ),
                    )
                ],
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=list(args.backend.services),
            ),
        )


def ingress_annotations(backend: Backend, sources: Sequence[str] = ()) -> dict[str, str]:
    """Annotations of an Ingress; its IngressClass and its Services have all others.

    Args:
        backend: The Services behind it.
        sources: IPv4 ranges of allowed clients; empty for all.
    """
    condition = json.dumps([{"field": "source-ip", "sourceIpConfig": {"values": list(sources)}}])
    return {
        **WAIT_FOR_ADDRESS,
        f"{PREFIX}/listen-ports": LISTEN_PORTS,
        # Otherwise the nodes of all environments would be targets.
        f"{PREFIX}/target-node-labels": f"{labels.ENVIRONMENT}={backend.environment}",
        **backend.annotations,
        **{key: text for preview in backend.previews for key, text in preview.annotations.items()},
        **({f"{PREFIX}/conditions.{route.service}": condition for route in backend.routes} if sources else {}),
    }


def _address(status: kubernetes.networking.v1.outputs.IngressStatus | None) -> str:
    points = status.load_balancer.ingress if status and status.load_balancer else None
    return str(points[0].hostname) if points else ""


def _path(route: Route) -> kubernetes.networking.v1.HTTPIngressPathArgs:
    route = replace(route, port=forward.USE_ANNOTATION) if route.by_weight else route
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
