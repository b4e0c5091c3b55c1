"""Where pods run: on nodes of their environment, apart from one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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

SPREAD_OVER = ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
"""https://kubernetes.io/docs/reference/labels-annotations-taints/."""


def node_affinity(environment: str) -> AffinityArgs:
    """Only on nodes of the environment, whatever else is free."""
    return AffinityArgs(
        node_affinity=NodeAffinityArgs(
            required_during_scheduling_ignored_during_execution=NodeSelectorArgs(
                node_selector_terms=[
                    NodeSelectorTermArgs(
                        match_expressions=[
                            NodeSelectorRequirementArgs(key=labels.ENVIRONMENT, operator="In", values=[environment])
                        ]
                    )
                ]
            )
        )
    )


def toleration(environment: str) -> TolerationArgs:
    """Lets a pod on its environment's nodes where they are tainted; harmless where they are not."""
    return TolerationArgs(key=labels.ENVIRONMENT, operator="Equal", value=environment, effect="NoSchedule")


def spread(
    match_labels: Mapping[str, str], *, match_label_keys: Sequence[str] = ()
) -> list[TopologySpreadConstraintArgs]:
    """Evenly over zones, and over nodes, as far as there is room: a pod that is crowded serves, a pending one does not.

    Args:
        match_labels: Which pods are counted.
        match_label_keys: Labels in which the counted pods are equal to the one that is placed.
    """
    return [
        TopologySpreadConstraintArgs(
            topology_key=key,
            max_skew=1,
            when_unsatisfiable="ScheduleAnyway",
            label_selector=LabelSelectorArgs(match_labels=match_labels),
            match_label_keys=list(match_label_keys) or None,
        )
        for key in SPREAD_OVER
    ]
