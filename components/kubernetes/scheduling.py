"""Scheduling: on which nodes pods run, and how the pods of one workload spread.

Argument objects for objects that the program registers; plain manifests for the values of charts, EKS add-ons and
agents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi_kubernetes.core.v1 import (
    AffinityArgs,
    NodeAffinityArgs,
    NodeSelectorArgs,
    NodeSelectorRequirementArgs,
    NodeSelectorTermArgs,
    TolerationArgs,
    TopologySpreadConstraintArgs,
)
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs

from contract import labels

TOPOLOGY_KEYS = ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
"""https://kubernetes.io/docs/reference/labels-annotations-taints/."""

SYSTEM_REPLICAS = 2
"""Replicas of a system workload: one on the nodes of each environment."""


def node_affinity(environment: str, *, service_nodes: bool = False) -> AffinityArgs:
    """Required node affinity to the nodes of an environment, or to those of them that its services alone use."""
    wanted = {labels.ENVIRONMENT: environment} | ({labels.NODES: labels.SERVICES} if service_nodes else {})
    requirements = [NodeSelectorRequirementArgs(key=key, operator="In", values=[wanted[key]]) for key in wanted]
    selector = NodeSelectorArgs(node_selector_terms=[NodeSelectorTermArgs(match_expressions=requirements)])
    return AffinityArgs(
        node_affinity=NodeAffinityArgs(required_during_scheduling_ignored_during_execution=selector),
    )


def node_affinity_manifest(environment: str) -> dict[str, Any]:
    """`node_affinity` as a plain manifest."""
    requirement = {"key": labels.ENVIRONMENT, "operator": "In", "values": [environment]}
    selector = {"nodeSelectorTerms": [{"matchExpressions": [requirement]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": selector}}


def toleration(environment: str) -> TolerationArgs:
    """Toleration of the taint of an environment's nodes; without effect where they have none."""
    return TolerationArgs(key=labels.ENVIRONMENT, operator="Equal", value=environment, effect="NoSchedule")


SERVICE_NODES_TOLERATION = TolerationArgs(
    key=labels.NODES, operator="Equal", value=labels.SERVICES, effect="NoSchedule"
)
"""Toleration of the taint of nodes for services alone."""


def toleration_manifest(environment: str) -> dict[str, Any]:
    """`toleration` as a plain manifest."""
    return {"key": labels.ENVIRONMENT, "operator": "Equal", "value": environment, "effect": "NoSchedule"}


def spread(
    match_labels: Mapping[str, str], *, match_label_keys: Sequence[str] = ()
) -> list[TopologySpreadConstraintArgs]:
    """Soft spread over zones and nodes: a pod on a crowded node serves requests, a pending one does not.

    Args:
        match_labels: Labels of the pods that are counted.
        match_label_keys: Labels whose value must be that of the pod being scheduled for a pod to count.
    """
    return [
        TopologySpreadConstraintArgs(
            topology_key=key,
            max_skew=1,
            when_unsatisfiable="ScheduleAnyway",
            label_selector=LabelSelectorArgs(match_labels=match_labels),
            match_label_keys=list(match_label_keys) or None,
        )
        for key in TOPOLOGY_KEYS
    ]


def across_environments(pod_labels: Mapping[str, str]) -> dict[str, Any]:
    """Tolerations and topology spread constraints of a system workload, as chart values.

    Its pods run on the nodes of every environment, so losing all nodes of one environment leaves a replica running.
    The lost replica can still be scheduled: a domain without nodes does not count. Pods of other ReplicaSets are not
    counted, or a rolling update could end with both replicas in one domain.
    https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/

    Args:
        pod_labels: Labels of the workload's pods.
    """
    return {
        "tolerations": [{"key": labels.ENVIRONMENT, "operator": "Exists", "effect": "NoSchedule"}],
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": labels.ENVIRONMENT,
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {"matchLabels": dict(pod_labels)},
                "matchLabelKeys": ["pod-template-hash"],
            }
        ],
    }
