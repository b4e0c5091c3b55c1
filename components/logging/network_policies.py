"""Who reaches whom among the logs' programs: specs of NetworkPolicies on top of their namespaces' closed ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pulumi_kubernetes.meta.v1 import LabelSelectorArgs
from pulumi_kubernetes.networking.v1 import (
    NetworkPolicyEgressRuleArgs,
    NetworkPolicyIngressRuleArgs,
    NetworkPolicyPeerArgs,
    NetworkPolicySpecArgs,
)

from components.kubernetes.network_policy import Addresses, ip_blocks, kubernetes_api, pods, public_https, tcp
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
    """Fluentd reaches Elasticsearch and the Kubernetes API; nobody reaches it but its node, for its probes."""
    return _spec(
        FLUENTD_PODS, to=[_out([pods(ELASTICSEARCH_PODS, LOGGING)], ELASTICSEARCH_PORT), kubernetes_api(addresses)]
    )


def of_logging(addresses: Addresses) -> dict[str, NetworkPolicySpecArgs]:
    """For each program of the namespace `logging`, by the policy's name: what it reaches, and who reaches it."""
    elasticsearch, kibana, operator, setup = (
        [pods(selected)] for selected in (ELASTICSEARCH_PODS, KIBANA_PODS, OPERATOR_PODS, SETUP_PODS)
    )
    return {
        "elasticsearch": _spec(
            ELASTICSEARCH_PODS,
            of=[
                _in(elasticsearch, TRANSPORT_PORT, ELASTICSEARCH_PORT),
                _in([*kibana, *operator, *setup, pods(FLUENTD_PODS, LOG_COLLECTOR)], ELASTICSEARCH_PORT),
            ],
            # Snapshots go to S3, by a token of STS.
            to=[_out(elasticsearch, TRANSPORT_PORT, ELASTICSEARCH_PORT), public_https(addresses)],
        ),
        "kibana": _spec(
            KIBANA_PODS,
            # The load balancer comes by a NodePort, hence from a node's address.
            of=[_in([*ip_blocks(addresses.nodes), *setup], KIBANA_PORT)],
            to=[_out(elasticsearch, ELASTICSEARCH_PORT)],
        ),
        "elastic-operator": _spec(
            OPERATOR_PODS, to=[_out(elasticsearch, ELASTICSEARCH_PORT), kubernetes_api(addresses)]
        ),
        SETUP: _spec(
            SETUP_PODS,
            to=[_out(elasticsearch, ELASTICSEARCH_PORT), _out(kibana, KIBANA_PORT), kubernetes_api(addresses)],
        ),
    }


def _spec(
    selected: Labels,
    *,
    of: Sequence[NetworkPolicyIngressRuleArgs] = (),
    to: Sequence[NetworkPolicyEgressRuleArgs],
) -> NetworkPolicySpecArgs:
    return NetworkPolicySpecArgs(
        pod_selector=LabelSelectorArgs(match_labels=selected),
        policy_types=[*(["Ingress"] if of else []), "Egress"],
        ingress=list(of) or None,
        egress=list(to),
    )


def _in(peers: Sequence[NetworkPolicyPeerArgs], *ports: int) -> NetworkPolicyIngressRuleArgs:
    return NetworkPolicyIngressRuleArgs(from_=list(peers), ports=tcp(*ports))


def _out(peers: Sequence[NetworkPolicyPeerArgs], *ports: int) -> NetworkPolicyEgressRuleArgs:
    return NetworkPolicyEgressRuleArgs(to=list(peers), ports=tcp(*ports))
