"""What may reach what: the specs of NetworkPolicies.

The Amazon VPC CNI decides on a pod's own packets, before kube-proxy puts a pod's address in place of a Service's. Two
things follow. Peers are chosen by labels that Services select by too, since it lets through the Services whose selector
the policy's covers; and what has no pods, the Kubernetes API, is let through by its Service's address as well.
https://kubernetes.io/docs/concepts/services-networking/network-policies/#behavior-of-to-and-from-selectors
https://github.com/aws/amazon-network-policy-controller-k8s
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pulumi_kubernetes.meta.v1 import LabelSelectorArgs
from pulumi_kubernetes.networking.v1 import (
    IPBlockArgs,
    NetworkPolicyEgressRuleArgs,
    NetworkPolicyIngressRuleArgs,
    NetworkPolicyPeerArgs,
    NetworkPolicyPortArgs,
    NetworkPolicySpecArgs,
)

import settings
from components import labels

BOTH_WAYS = ["Ingress", "Egress"]

HTTPS = 443

DNS = 53

PRIVATE_RANGES = ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
"""What is on no public network: RFC 1918, RFC 6598, and link-local, where AWS answers for the machine.

EKS takes the cluster's Service addresses from the first and the fourth.
"""

KUBERNETES_SERVICE = ("10.100.0.1/32", "172.20.0.1/32")
"""The Service `kubernetes`: the first address of the range that EKS chose, one of two.

https://docs.aws.amazon.com/eks/latest/APIReference/API_KubernetesNetworkConfigRequest.html
"""


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """The VPC's IPv4 ranges, as policies see them.

    Attributes:
        vpc: The whole of it.
        nodes: The subnets of nodes, and thus of pods.
        subnets: All subnets: the Kubernetes API has its interfaces in them.
    """

    vpc: str
    nodes: Sequence[str]
    subnets: Sequence[str]


def closed() -> NetworkPolicySpecArgs:
    """For every pod of a namespace: nothing in, and nothing out but questions to the cluster's DNS."""
    dns = NetworkPolicyPeerArgs(
        namespace_selector=LabelSelectorArgs(match_labels={"kubernetes.io/metadata.name": "kube-system"}),
        pod_selector=LabelSelectorArgs(match_labels={"k8s-app": "kube-dns"}),
    )
    return NetworkPolicySpecArgs(
        pod_selector=LabelSelectorArgs(),
        policy_types=BOTH_WAYS,
        egress=[
            NetworkPolicyEgressRuleArgs(
                to=[dns], ports=[NetworkPolicyPortArgs(protocol=protocol, port=DNS) for protocol in ("UDP", "TCP")]
            )
        ],
    )


def of_service(
    service: str,
    spec: settings.Service,
    *,
    callers: Sequence[str],
    ports: Mapping[str, int],
    addresses: Addresses,
) -> NetworkPolicySpecArgs:
    """For both slots of a service: what its settings say, on top of what is open to every pod of the namespace.

    Args:
        service: The service's name.
        spec: Its port, paths and egress.
        callers: The services that may reach it.
        ports: The port of every service.
        addresses: The VPC's ranges.
    """
    # The load balancer comes by a NodePort, hence from a node's address; so do its health checks.
    sources = [*(_pods(caller) for caller in callers), *_blocks(addresses.nodes if spec.paths else ())]
    return NetworkPolicySpecArgs(
        pod_selector=_selector(service),
        policy_types=BOTH_WAYS,
        # A rule without peers would admit everybody.
        ingress=[NetworkPolicyIngressRuleArgs(from_=sources, ports=_tcp(spec.port))] if sources else None,
        egress=_egress(spec, ports, addresses) or None,
    )


def _egress(
    spec: settings.Service, ports: Mapping[str, int], addresses: Addresses
) -> list[NetworkPolicyEgressRuleArgs]:
    named = [
        NetworkPolicyEgressRuleArgs(to=[_pods(service)], ports=_tcp(ports[service])) for service in spec.egress.services
    ]
    networks = [
        NetworkPolicyEgressRuleArgs(to=_blocks([network.cidr]), ports=_tcp(*network.ports))
        for network in spec.egress.networks
    ]
    everywhere = NetworkPolicyPeerArgs(
        ip_block=IPBlockArgs(cidr="0.0.0.0/0", except_=list(dict.fromkeys([*PRIVATE_RANGES, addresses.vpc])))
    )
    https = [NetworkPolicyEgressRuleArgs(to=[everywhere], ports=_tcp(HTTPS))] if spec.egress.https else []
    api = _blocks([*addresses.subnets, *KUBERNETES_SERVICE])
    kubernetes_api = [NetworkPolicyEgressRuleArgs(to=api, ports=_tcp(HTTPS))] if spec.kubernetes_api else []
    return [*named, *networks, *https, *kubernetes_api]


def _selector(service: str) -> LabelSelectorArgs:
    return LabelSelectorArgs(match_labels={labels.SERVICE: service})


def _pods(service: str) -> NetworkPolicyPeerArgs:
    return NetworkPolicyPeerArgs(pod_selector=_selector(service))


def _blocks(cidrs: Sequence[str]) -> list[NetworkPolicyPeerArgs]:
    return [NetworkPolicyPeerArgs(ip_block=IPBlockArgs(cidr=cidr)) for cidr in cidrs]


def _tcp(*ports: int) -> list[NetworkPolicyPortArgs]:
    return [NetworkPolicyPortArgs(protocol="TCP", port=port) for port in ports]
