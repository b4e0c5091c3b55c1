"""Specs of NetworkPolicies.

The Amazon VPC CNI filters a pod's packets before kube-proxy translates a Service's address to a pod's. Therefore:

- The labels of an egress peer must be in the selector of its Service: only then is the Service's address allowed too.
- The Kubernetes API has no pods, so its Service's address is allowed explicitly.

https://kubernetes.io/docs/concepts/services-networking/network-policies/#behavior-of-to-and-from-selectors
https://github.com/aws/amazon-network-policy-controller-k8s
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, LabelSelectorRequirementArgs
from pulumi_kubernetes.networking.v1 import (
    IPBlockArgs,
    NetworkPolicyEgressRuleArgs,
    NetworkPolicyIngressRuleArgs,
    NetworkPolicyPeerArgs,
    NetworkPolicyPortArgs,
    NetworkPolicySpecArgs,
)

import config
from components.kubernetes.metadata import in_namespace
from contract import labels
from contract.blue_green import PORT_NAME
from contract.identities import RECONCILER, RELEASE
from contract.namespaces import DELIVERY

BOTH_WAYS = ["Ingress", "Egress"]

HTTP = 80

HTTPS = 443

DNS = 53

PRIVATE_RANGES = ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
"""Ranges that are not public: RFC 1918, RFC 6598, and link-local (instance metadata).

EKS chooses the range of Service addresses from the first or the fourth.
"""

KUBERNETES_SERVICE = ("10.100.0.1/32", "172.20.0.1/32")
"""Possible addresses of the Service `kubernetes`: the first one of either range that EKS chooses from.

https://docs.aws.amazon.com/eks/latest/APIReference/API_KubernetesNetworkConfigRequest.html
"""

POD_IDENTITY = "169.254.170.23/32"
"""Pod Identity agent, which gives pods the credentials of their IAM role. https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html"""


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """IPv4 ranges of the VPC.

    Attributes:
        vpc: The whole VPC.
        nodes: Subnets of the nodes and their pods.
        control_plane: Subnets of the API servers' network interfaces, and of nothing else.
        endpoints: Subnets of interface endpoints, and of nothing else: addresses of AWS's APIs.
    """

    vpc: str
    nodes: Sequence[str]
    control_plane: Sequence[str]
    endpoints: Sequence[str] = ()


def default_deny() -> NetworkPolicySpecArgs:
    """Default deny for every pod of a namespace, in both directions, except for egress to the cluster's DNS."""
    dns = pods({"k8s-app": "kube-dns"}, "kube-system")
    return NetworkPolicySpecArgs(
        pod_selector=LabelSelectorArgs(),
        policy_types=BOTH_WAYS,
        egress=[
            NetworkPolicyEgressRuleArgs(
                to=[dns], ports=[NetworkPolicyPortArgs(protocol=protocol, port=DNS) for protocol in ("UDP", "TCP")]
            )
        ],
    )


def service_policy(
    service: str, spec: config.Service, *, callers: Sequence[str], addresses: Addresses
) -> NetworkPolicySpecArgs:
    """Policy of a service's pods in both slots, from its configuration.

    Callers and the release tool, with its smoke test, reach the port of its name: whatever number each pod has it at.
    The pods of its releases' hooks, too: they reach what the service reaches, and have no port of this name.

    Args:
        service: The service's name.
        spec: Its egress.
        callers: Services that may call it.
        addresses: The VPC's ranges.
    """
    release_tool = LabelSelectorRequirementArgs(key=labels.SERVICE, operator="In", values=[RELEASE, RECONCILER])
    sources = [
        *(pods({labels.SERVICE: caller}) for caller in callers),
        NetworkPolicyPeerArgs(
            namespace_selector=in_namespace(DELIVERY),
            pod_selector=LabelSelectorArgs(match_expressions=[release_tool]),
        ),
    ]
    return NetworkPolicySpecArgs(
        pod_selector=_selector(service),
        policy_types=BOTH_WAYS,
        ingress=[NetworkPolicyIngressRuleArgs(from_=sources, ports=tcp(PORT_NAME))],
        egress=_egress(spec, addresses) or None,
    )


def port_policy(service: str, spec: config.Service, *, addresses: Addresses) -> NetworkPolicySpecArgs:
    """Policy that admits addresses to a container port of a service, by number.

    The VPC CNI leaves out a rule that has addresses and a port's name.
    https://github.com/aws/amazon-network-policy-controller-k8s/blob/v1.0.8/pkg/resolvers/endpoints.go

    A smoke test from outside the cluster comes through the API server, that is, from an address of the control plane,
    which no pod selector can match. https://github.com/aws/aws-network-policy-agent/issues/281

    The pods of hooks are in no slot: nobody reaches them.

    Args:
        service: The service's name.
        spec: Its port and paths.
        addresses: The VPC's ranges.
    """
    # Load balancers and their health checks use a NodePort, so packets have a node's address.
    from_nodes = addresses.nodes if spec.paths else ()
    sources = ip_blocks([*from_nodes, *addresses.control_plane])
    return NetworkPolicySpecArgs(
        pod_selector=_in_slots(service),
        policy_types=["Ingress"],
        ingress=[NetworkPolicyIngressRuleArgs(from_=sources, ports=tcp(spec.port))],
    )


def release_tool_policy(
    pod_labels: Mapping[str, str],
    services: Sequence[str],
    *,
    addresses: Addresses,
    prometheus: config.Prometheus | None = None,
) -> NetworkPolicySpecArgs:
    """Policy of the pods that run the release tool: egress to every service, the Kubernetes API and AWS; no ingress.

    Args:
        pod_labels: Labels of these pods.
        services: Names of the services.
        addresses: The VPC's ranges.
        prometheus: Where there is egress to, too; None for nowhere.
    """
    environments = LabelSelectorArgs(
        match_expressions=[LabelSelectorRequirementArgs(key=labels.ENVIRONMENT, operator="Exists")]
    )
    to_services = [
        NetworkPolicyEgressRuleArgs(
            to=[NetworkPolicyPeerArgs(namespace_selector=environments, pod_selector=_selector(service))],
            ports=tcp(PORT_NAME),
        )
        for service in services
    ]
    return NetworkPolicySpecArgs(
        pod_selector=LabelSelectorArgs(match_labels=pod_labels),
        policy_types=BOTH_WAYS,
        egress=[
            *to_services,
            *_to_prometheus(prometheus),
            kubernetes_api(addresses),
            public_https(addresses),
            credentials(),
        ],
    )


def _to_prometheus(prometheus: config.Prometheus | None) -> list[NetworkPolicyEgressRuleArgs]:
    if prometheus is None:
        return []
    peers = ip_blocks([prometheus.cidr]) if prometheus.cidr else [pods({}, prometheus.namespace)]
    return [NetworkPolicyEgressRuleArgs(to=peers, ports=tcp(prometheus.port))]


def _egress(spec: config.Service, addresses: Addresses) -> list[NetworkPolicyEgressRuleArgs]:
    services = [
        NetworkPolicyEgressRuleArgs(to=[pods({labels.SERVICE: service})], ports=tcp(PORT_NAME))
        for service in spec.egress.services
    ]
    networks = [
        NetworkPolicyEgressRuleArgs(to=ip_blocks([network.cidr]), ports=tcp(*network.ports))
        for network in spec.egress.networks
    ]
    https = [public_https(addresses)] if spec.egress.https else []
    api = [kubernetes_api(addresses)] if spec.kubernetes_api else []
    return [*services, *networks, *https, *api]


def credentials() -> NetworkPolicyEgressRuleArgs:
    """Egress to the Pod Identity agent."""
    return NetworkPolicyEgressRuleArgs(to=ip_blocks([POD_IDENTITY]), ports=tcp(HTTP))


def public_https(addresses: Addresses) -> NetworkPolicyEgressRuleArgs:
    """Egress to HTTPS on the internet and on AWS's endpoints in the VPC, and to no other private address."""
    return internet(addresses, HTTPS)


def internet(addresses: Addresses, *ports: int) -> NetworkPolicyEgressRuleArgs:
    """Egress to these TCP ports on the internet and on AWS's endpoints in the VPC, and to no other private address."""
    public = NetworkPolicyPeerArgs(
        ip_block=IPBlockArgs(cidr="0.0.0.0/0", except_=list(dict.fromkeys([*PRIVATE_RANGES, addresses.vpc])))
    )
    return NetworkPolicyEgressRuleArgs(to=[public, *ip_blocks(addresses.endpoints)], ports=tcp(*ports))


def kubernetes_api(addresses: Addresses) -> NetworkPolicyEgressRuleArgs:
    """Egress to the Kubernetes API, whose interfaces may have any address of the control plane's subnets."""
    return NetworkPolicyEgressRuleArgs(to=ip_blocks([*addresses.control_plane, *KUBERNETES_SERVICE]), ports=tcp(HTTPS))


def _selector(service: str) -> LabelSelectorArgs:
    return LabelSelectorArgs(match_labels={labels.SERVICE: service})


def _in_slots(service: str) -> LabelSelectorArgs:
    return LabelSelectorArgs(
        match_labels={labels.SERVICE: service},
        match_expressions=[LabelSelectorRequirementArgs(key=labels.SLOT, operator="Exists")],
    )


def pods(pod_labels: Mapping[str, str], namespace: str | None = None) -> NetworkPolicyPeerArgs:
    """Peer: the pods with these labels.

    Args:
        pod_labels: The labels.
        namespace: Their namespace; None for the policy's.
    """
    return NetworkPolicyPeerArgs(
        namespace_selector=in_namespace(namespace) if namespace else None,
        pod_selector=LabelSelectorArgs(match_labels=pod_labels),
    )


def ip_blocks(cidrs: Sequence[str]) -> list[NetworkPolicyPeerArgs]:
    """Peers: IPv4 ranges."""
    return [NetworkPolicyPeerArgs(ip_block=IPBlockArgs(cidr=cidr)) for cidr in cidrs]


def tcp(*ports: int | str) -> list[NetworkPolicyPortArgs]:
    """TCP ports, by number or by name."""
    return [NetworkPolicyPortArgs(protocol="TCP", port=port) for port in ports]
