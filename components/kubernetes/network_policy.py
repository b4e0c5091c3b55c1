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
from contract.identities import TOOL
from contract.namespaces import DELIVERY

BOTH_WAYS = ["Ingress", "Egress"]

HTTP = 80

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

POD_IDENTITY = "169.254.170.23/32"
"""Where pods get the credentials of their IAM role. https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html"""


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """The VPC's IPv4 ranges, as policies see them.

    Attributes:
        vpc: The whole of it.
        nodes: The subnets of nodes, and thus of pods.
        control_plane: The subnets of the Kubernetes API's interfaces, and of nothing else.
    """

    vpc: str
    nodes: Sequence[str]
    control_plane: Sequence[str]


def closed() -> NetworkPolicySpecArgs:
    """For every pod of a namespace: nothing in, and nothing out but questions to the cluster's DNS."""
    dns = NetworkPolicyPeerArgs(
        namespace_selector=in_namespace("kube-system"),
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
    spec: config.Service,
    *,
    callers: Sequence[str],
    ports: Mapping[str, int],
    addresses: Addresses,
) -> NetworkPolicySpecArgs:
    """For both slots of a service: what its settings say, on top of what is open to every pod of the namespace.

    The release tool reaches it, too. Its smoke tests from inside the cluster are its own requests; those from outside
    go through the API server, and come from an address of the control plane, which no label names.
    https://github.com/aws/aws-network-policy-agent/issues/281

    Args:
        service: The service's name.
        spec: Its port, paths and egress.
        callers: The services that may reach it.
        ports: The port of every service.
        addresses: The VPC's ranges.
    """
    # The load balancer comes by a NodePort, hence from a node's address; so do its health checks.
    from_nodes = addresses.nodes if spec.paths else ()
    sources = [*(_pods(caller) for caller in callers), _TOOL, *_blocks([*from_nodes, *addresses.control_plane])]
    return NetworkPolicySpecArgs(
        pod_selector=_selector(service),
        policy_types=BOTH_WAYS,
        ingress=[NetworkPolicyIngressRuleArgs(from_=sources, ports=_tcp(spec.port))],
        egress=_egress(spec, ports, addresses) or None,
    )


def of_tool(ports: Mapping[str, int], *, addresses: Addresses) -> NetworkPolicySpecArgs:
    """For the pods that run the release tool: every service of each environment, the Kubernetes API, and ECR.

    Nothing reaches them.

    Args:
        ports: The port of every service.
        addresses: The VPC's ranges.
    """
    environments = LabelSelectorArgs(
        match_expressions=[LabelSelectorRequirementArgs(key=labels.ENVIRONMENT, operator="Exists")]
    )
    services = [
        NetworkPolicyEgressRuleArgs(
            to=[NetworkPolicyPeerArgs(namespace_selector=environments, pod_selector=_selector(service))],
            ports=_tcp(port),
        )
        for service, port in ports.items()
    ]
    return NetworkPolicySpecArgs(
        pod_selector=LabelSelectorArgs(match_labels=TOOL),
        policy_types=BOTH_WAYS,
        egress=[*services, kubernetes_api(addresses), public_https(addresses), credentials()],
    )


def _egress(spec: config.Service, ports: Mapping[str, int], addresses: Addresses) -> list[NetworkPolicyEgressRuleArgs]:
    named = [
        NetworkPolicyEgressRuleArgs(to=[_pods(service)], ports=_tcp(ports[service])) for service in spec.egress.services
    ]
    networks = [
        NetworkPolicyEgressRuleArgs(to=_blocks([network.cidr]), ports=_tcp(*network.ports))
        for network in spec.egress.networks
    ]
    https = [public_https(addresses)] if spec.egress.https else []
    api = [kubernetes_api(addresses)] if spec.kubernetes_api else []
    return [*named, *networks, *https, *api]


def credentials() -> NetworkPolicyEgressRuleArgs:
    """Out to what gives a pod the credentials of its IAM role."""
    return NetworkPolicyEgressRuleArgs(to=_blocks([POD_IDENTITY]), ports=_tcp(HTTP))


def public_https(addresses: Addresses) -> NetworkPolicyEgressRuleArgs:
    """Out to HTTPS on the internet, and to nothing private."""
    everywhere = NetworkPolicyPeerArgs(
        ip_block=IPBlockArgs(cidr="0.0.0.0/0", except_=list(dict.fromkeys([*PRIVATE_RANGES, addresses.vpc])))
    )
    return NetworkPolicyEgressRuleArgs(to=[everywhere], ports=_tcp(HTTPS))


def kubernetes_api(addresses: Addresses) -> NetworkPolicyEgressRuleArgs:
    """Out to the Kubernetes API: any address of the control plane's subnets may be its own."""
    return NetworkPolicyEgressRuleArgs(to=_blocks([*addresses.control_plane, *KUBERNETES_SERVICE]), ports=_tcp(HTTPS))


def _selector(service: str) -> LabelSelectorArgs:
    return LabelSelectorArgs(match_labels={labels.SERVICE: service})


def _pods(service: str) -> NetworkPolicyPeerArgs:
    return NetworkPolicyPeerArgs(pod_selector=_selector(service))


def _blocks(cidrs: Sequence[str]) -> list[NetworkPolicyPeerArgs]:
    return [NetworkPolicyPeerArgs(ip_block=IPBlockArgs(cidr=cidr)) for cidr in cidrs]


def _tcp(*ports: int) -> list[NetworkPolicyPortArgs]:
    return [NetworkPolicyPortArgs(protocol="TCP", port=port) for port in ports]


_TOOL = NetworkPolicyPeerArgs(
    namespace_selector=in_namespace(DELIVERY),
    pod_selector=LabelSelectorArgs(match_labels=TOOL),
)
