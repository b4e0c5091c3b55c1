"""Specs of the logging stack's NetworkPolicies, on top of the default deny of their namespaces. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pulumi_kubernetes.meta.v1 import LabelSelectorArgs
from pulumi_kubernetes.networking.v1 import (
    NetworkPolicyEgressRuleArgs,
    NetworkPolicyIngressRuleArgs,
    NetworkPolicyPeerArgs,
    NetworkPolicySpecArgs,
)

from components.kubernetes.network_policy import (
    Addresses,
    credentials,
    ip_blocks,
    kubernetes_api,
    pods,
    public_https,
    tcp,
)
from components.logging.names import (
    ELASTICSEARCH_PODS,
    ELASTICSEARCH_PORT,
    FLUENTD,
    KIBANA_PODS,
    KIBANA_PORT,
    OPERATOR_PODS,
    SETUP,
    TRANSPORT_PORT,
)
from contract import labels
from contract.namespaces import LOG_COLLECTOR, LOGGING

Labels = Mapping[str, str]

FLUENTD_PODS: Labels = {labels.SERVICE: FLUENTD}
SETUP_PODS: Labels = {labels.SERVICE: SETUP}


def fluentd(addresses: Addresses) -> NetworkPolicySpecArgs:
    """Fluentd: to Elasticsearch and the Kubernetes API; from nowhere, apart from the probes of its node."""
    return _spec(
        FLUENTD_PODS,
        egress=[_egress([pods(ELASTICSEARCH_PODS, LOGGING)], ELASTICSEARCH_PORT), kubernetes_api(addresses)],
    )


def of_logging(addresses: Addresses) -> dict[str, NetworkPolicySpecArgs]:
    """The policies of the namespace `logging`, by name."""
    elasticsearch, kibana, operator, setup = (
        [pods(pod_labels)] for pod_labels in (ELASTICSEARCH_PODS, KIBANA_PODS, OPERATOR_PODS, SETUP_PODS)
    )
    return {
        "elasticsearch": _spec(
            ELASTICSEARCH_PODS,
            ingress=[
                _ingress(elasticsearch, TRANSPORT_PORT, ELASTICSEARCH_PORT),
                _ingress([*kibana, *operator, *setup, pods(FLUENTD_PODS, LOG_COLLECTOR)], ELASTICSEARCH_PORT),
            ],
            # HTTPS to S3 and STS, for snapshots.
            egress=[_egress(elasticsearch, TRANSPORT_PORT, ELASTICSEARCH_PORT), public_https(addresses)],
        ),
        "kibana": _spec(
            KIBANA_PODS,
            # The load balancer's requests come through a NodePort, hence from a node's address.
            ingress=[_ingress([*ip_blocks(addresses.nodes), *setup], KIBANA_PORT)],
            egress=[_egress(elasticsearch, ELASTICSEARCH_PORT)],
        ),
        "elastic-operator": _spec(
            OPERATOR_PODS, egress=[_egress(elasticsearch, ELASTICSEARCH_PORT), kubernetes_api(addresses)]
        ),
        SETUP: _spec(
            SETUP_PODS,
            egress=[
                _egress(elasticsearch, ELASTICSEARCH_PORT),
                _egress(kibana, KIBANA_PORT),
                kubernetes_api(addresses),
                # CloudWatch, and the pod's AWS credentials for it.
                public_https(addresses),
                credentials(),
            ],
        ),
    }


def _spec(
    pod_labels: Labels,
    *,
    ingress: Sequence[NetworkPolicyIngressRuleArgs] = (),
    egress: Sequence[NetworkPolicyEgressRuleArgs],
) -> NetworkPolicySpecArgs:
    return NetworkPolicySpecArgs(
        pod_selector=LabelSelectorArgs(match_labels=pod_labels),
        policy_types=[*(["Ingress"] if ingress else []), "Egress"],
        ingress=list(ingress) or None,
        egress=list(egress),
    )


def _ingress(peers: Sequence[NetworkPolicyPeerArgs], *ports: int) -> NetworkPolicyIngressRuleArgs:
    return NetworkPolicyIngressRuleArgs(from_=list(peers), ports=tcp(*ports))


def _egress(peers: Sequence[NetworkPolicyPeerArgs], *ports: int) -> NetworkPolicyEgressRuleArgs:
    return NetworkPolicyEgressRuleArgs(to=list(peers), ports=tcp(*ports))
