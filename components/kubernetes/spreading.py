"""Where the cluster's own programs run: on the nodes of every environment, so that none takes them along."""

from __future__ import annotations

from collections.abc import Mapping

from contract import labels

REPLICAS = 2
"""One on each environment's nodes."""

TOLERATIONS = [{"key": labels.ENVIRONMENT, "operator": "Exists", "effect": "NoSchedule"}]
"""Any environment's nodes will do."""


def spread(pod_labels: Mapping[str, str]) -> list[dict[str, object]]:
    """A topologySpreadConstraint over the environments for the pods with these labels.

    With every node of one environment gone, the rest of the pods are still up, and new ones have a place: a domain
    without nodes does not count. Pods of another ReplicaSet are not counted, else an update could end with both
    pods in one place. https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/
    """
    return [
        {
            "maxSkew": 1,
            "topologyKey": labels.ENVIRONMENT,
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": dict(pod_labels)},
            "matchLabelKeys": ["pod-template-hash"],
        }
    ]
