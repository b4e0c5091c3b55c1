"""Specs of the NetworkPolicies of Jenkins, its agents and BuildKit. Pure.

Their peers are in other namespaces, hence a namespace selector and a pod selector for each.
"""

from __future__ import annotations

from collections.abc import Sequence

from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, LabelSelectorRequirementArgs
from pulumi_kubernetes.networking.v1 import (
    NetworkPolicyEgressRuleArgs,
    NetworkPolicyIngressRuleArgs,
    NetworkPolicyPeerArgs,
    NetworkPolicySpecArgs,
)

from components.delivery.jenkins.names import BUILD, BUILDER, NAME, PORT, PREVIEWER
from components.kubernetes.metadata import in_namespace
from components.kubernetes.network_policy import (
    BOTH_WAYS,
    Addresses,
    credentials,
    internet,
    ip_blocks,
    kubernetes_api,
    pods,
    public_https,
    tcp,
)
from contract import labels
from contract.identities import PREVIEW, RELEASE
from contract.namespaces import DELIVERY, JENKINS

CONTROLLER = {"app.kubernetes.io/instance": NAME, "app.kubernetes.io/component": "jenkins-controller"}
"""Labels that the chart gives the controller's pod, and its Service's selector."""

BUILDKIT_NAMESPACE = "buildkit"
BUILDKIT = {labels.SERVICE: "buildkitd"}
BUILDKIT_PORT = 1234


def of_controller(addresses: Addresses) -> NetworkPolicySpecArgs:
    """Controller: from agents, and from nodes for the load balancer; to the Kubernetes API and public HTTPS."""
    return NetworkPolicySpecArgs(
        pod_selector=LabelSelectorArgs(match_labels=CONTROLLER),
        policy_types=BOTH_WAYS,
        ingress=[
            NetworkPolicyIngressRuleArgs(from_=[_agents(), *ip_blocks(addresses.nodes)], ports=tcp(PORT)),
        ],
        egress=[
            kubernetes_api(addresses),
            public_https(addresses),
        ],
    )


def of_agents() -> NetworkPolicySpecArgs:
    """Every kind of agent: to the controller."""
    return NetworkPolicySpecArgs(
        pod_selector=_any_agent(),
        policy_types=["Egress"],
        egress=[
            NetworkPolicyEgressRuleArgs(to=[pods(CONTROLLER, JENKINS)], ports=tcp(PORT)),
        ],
    )


def of_builders(addresses: Addresses) -> NetworkPolicySpecArgs:
    """Build agents: to buildkitd, Pod Identity, Git repositories and ECR."""
    return NetworkPolicySpecArgs(
        pod_selector=LabelSelectorArgs(match_labels=BUILDER),
        policy_types=BOTH_WAYS,
        egress=[
            NetworkPolicyEgressRuleArgs(to=[pods(BUILDKIT, BUILDKIT_NAMESPACE)], ports=tcp(BUILDKIT_PORT)),
            credentials(),
            public_https(addresses),
        ],
    )


def of_previews(addresses: Addresses) -> NetworkPolicySpecArgs:
    """Preview agents: to the Kubernetes API, Pod Identity, and by public HTTPS to Git, PyPI and AWS."""
    return NetworkPolicySpecArgs(
        pod_selector=LabelSelectorArgs(match_labels=PREVIEWER),
        policy_types=BOTH_WAYS,
        egress=[kubernetes_api(addresses), credentials(), public_https(addresses)],
    )


def of_buildkit(addresses: Addresses, ports: Sequence[int]) -> NetworkPolicySpecArgs:
    """BuildKit: from build agents only; to these ports of the internet, for registries and downloads."""
    return NetworkPolicySpecArgs(
        pod_selector=LabelSelectorArgs(match_labels=BUILDKIT),
        policy_types=BOTH_WAYS,
        ingress=[NetworkPolicyIngressRuleArgs(from_=[pods(BUILDER, DELIVERY)], ports=tcp(BUILDKIT_PORT))],
        egress=[internet(addresses, *ports)],
    )


def _any_agent() -> LabelSelectorArgs:
    names = LabelSelectorRequirementArgs(key=labels.SERVICE, operator="In", values=[BUILD, PREVIEW, RELEASE])
    return LabelSelectorArgs(match_expressions=[names])


def _agents() -> NetworkPolicyPeerArgs:
    return NetworkPolicyPeerArgs(namespace_selector=in_namespace(DELIVERY), pod_selector=_any_agent())
