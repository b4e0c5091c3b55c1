"""The Services that choose a slot."""

from __future__ import annotations

from pulumi_kubernetes.core.v1 import ServicePortArgs, ServiceSpecArgs

from components.workload.blue_green.slot import selector
from contract.blue_green import PORT_NAME


def service_spec(service: str, *, slot: str, port: int, on_nodes: bool) -> ServiceSpecArgs:
    """A Service of a slot's pods.

    Args:
        service: The service's name.
        slot: `blue` or `green`: a seed, the release tool's afterwards.
        port: Where it is asked, and where its pods listen.
        on_nodes: Whether every node answers for it: the load balancer's targets are nodes.
    """
    return ServiceSpecArgs(
        type="NodePort" if on_nodes else "ClusterIP",
        selector=selector(service, slot),
        ports=[ServicePortArgs(name=PORT_NAME, port=port, target_port=PORT_NAME, protocol="TCP")],
    )
