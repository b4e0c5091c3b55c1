"""A slot: a Deployment, and how many of its pods may be away at once."""

from __future__ import annotations

from pulumi_kubernetes.apps.v1 import DeploymentSpecArgs, DeploymentStrategyArgs
from pulumi_kubernetes.core.v1 import PodTemplateSpecArgs
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs
from pulumi_kubernetes.policy.v1 import PodDisruptionBudgetSpecArgs

from contract import labels


def selector(service: str, slot: str) -> dict[str, str]:
    """The labels by which a slot's pods are chosen."""
    return {labels.SERVICE: service, labels.SLOT: slot}


def seed(service: str, slot: str, template: PodTemplateSpecArgs, *, exclusive: bool) -> DeploymentSpecArgs:
    """A Deployment with no pods: all that `pulumi up` ever writes of it.

    Args:
        service: The service's name.
        slot: `blue` or `green`.
        template: The pod, labelled with the slot.
        exclusive: Whether the pods of an older version end before newer ones start.
    """
    return DeploymentSpecArgs(
        replicas=0,
        selector=LabelSelectorArgs(match_labels=selector(service, slot)),
        strategy=DeploymentStrategyArgs(type="Recreate") if exclusive else None,
        template=template,
    )


def disruption_budget(service: str, slot: str) -> PodDisruptionBudgetSpecArgs:
    """Nodes are drained one pod of a slot at a time; a pod that is not healthy holds nothing up.

    https://kubernetes.io/docs/tasks/run-application/configure-pdb/
    """
    return PodDisruptionBudgetSpecArgs(
        max_unavailable=1,
        selector=LabelSelectorArgs(match_labels=selector(service, slot)),
        unhealthy_pod_eviction_policy="AlwaysAllow",
    )
