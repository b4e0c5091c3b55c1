"""The spec of a Service that selects one slot."""

from __future__ import annotations

from pulumi_kubernetes.core.v1 import ServicePortArgs, ServiceSpecArgs

from components.workload.blue_green.slot import selector
from contract.blue_green import PORT_NAME, SERVICE_PORT


def service_spec(service: str, *, slot: str, node_port: bool) -> ServiceSpecArgs:
    """A Service that selects the pods of one slot.

    Args:
        service: The service's name.
        slot: `blue` or `green`: the initial value; the release tool changes it afterwards.
        node_port: Whether the type is NodePort, for the load balancer, whose targets are nodes.
    """
    return ServiceSpecArgs(
        type="NodePort" if node_port else "ClusterIP",
        selector=selector(service, slot),
        ports=[ServicePortArgs(name=PORT_NAME, port=SERVICE_PORT, target_port=PORT_NAME, protocol="TCP")],
    )
