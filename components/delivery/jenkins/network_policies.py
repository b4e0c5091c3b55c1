"""Who reaches Jenkins, its agents and what builds for them: the specs of NetworkPolicies. Pure.

Peers are in other namespaces, so they are chosen by both labels.
"""

from __future__ import annotations

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
"""The chart's labels on the controller's pod, by which its Service selects it."""

BUILDKIT_NAMESPACE = "buildkit"
BUILDKIT = {labels.SERVICE: "buildkitd"}
BUILDKIT_PORT = 1234


def of_controller(addresses: Addresses) -> NetworkPolicySpecArgs:
    """People by the load balancer, hence from nodes; agents; out to the Kubernetes API, to sources and plugins."""
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
    """Every kind of agent comes to the controller."""
    return NetworkPolicySpecArgs(
        pod_selector=_any_agent(),
        policy_types=["Egress"],
        egress=[
            NetworkPolicyEgressRuleArgs(to=[pods(CONTROLLER, JENKINS)], ports=tcp(PORT)),
        ],
    )


def of_builders(addresses: Addresses) -> NetworkPolicySpecArgs:
    """Who builds reaches sources and ECR, its credentials, and buildkitd."""
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
    """Who previews reaches the source, packages, the stack's state and AWS, its credentials, and the Kubernetes API."""
    return NetworkPolicySpecArgs(
        pod_selector=LabelSelectorArgs(match_labels=PREVIEWER),
        policy_types=BOTH_WAYS,
        egress=[kubernetes_api(addresses), credentials(), public_https(addresses)],
    )


def of_buildkit(addresses: Addresses) -> NetworkPolicySpecArgs:
    """Reached by who builds and nobody else; out to registries and what a Dockerfile fetches, nothing private."""
    return NetworkPolicySpecArgs(
        pod_selector=LabelSelectorArgs(match_labels=BUILDKIT),
        policy_types=BOTH_WAYS,
        ingress=[NetworkPolicyIngressRuleArgs(from_=[pods(BUILDER, DELIVERY)], ports=tcp(BUILDKIT_PORT))],
        egress=[public_https(addresses)],
    )


def _any_agent() -> LabelSelectorArgs:
    wanted = LabelSelectorRequirementArgs(key=labels.SERVICE, operator="In", values=[BUILD, PREVIEW, RELEASE])
    return LabelSelectorArgs(match_expressions=[wanted])


def _agents() -> NetworkPolicyPeerArgs:
    return NetworkPolicyPeerArgs(namespace_selector=in_namespace(DELIVERY), pod_selector=_any_agent())
