"""A slot: the specs of its Deployment and of its PodDisruptionBudget."""

from __future__ import annotations

from pulumi_kubernetes.apps.v1 import DeploymentSpecArgs, DeploymentStrategyArgs
from pulumi_kubernetes.core.v1 import PodTemplateSpecArgs
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs
from pulumi_kubernetes.policy.v1 import PodDisruptionBudgetSpecArgs

import config
from contract import labels
from contract.blue_green import KEPT_TEMPLATES


def selector(service: str, slot: str) -> dict[str, str]:
    """The labels that select a slot's pods."""
    return {labels.SERVICE: service, labels.SLOT: slot}


def seed(service: str, slot: str, template: PodTemplateSpecArgs, spec: config.Service) -> DeploymentSpecArgs:
    """The initial spec of a slot's Deployment, with 0 replicas; later changes are the release tool's.

    Args:
        service: The service's name.
        slot: `blue` or `green`.
        template: The pod template, labelled with the slot.
        spec: Configuration of the service: if it is exclusive, old pods end before new ones start.
    """
    return DeploymentSpecArgs(
        replicas=0,
        revision_history_limit=KEPT_TEMPLATES,
        min_ready_seconds=spec.min_ready_seconds or None,
        selector=LabelSelectorArgs(match_labels=selector(service, slot)),
        strategy=DeploymentStrategyArgs(type="Recreate") if spec.exclusive else None,
        template=template,
    )


def disruption_budget(service: str, slot: str) -> PodDisruptionBudgetSpecArgs:
    """Allows one pod of the slot to be evicted at a time; an unhealthy pod does not block the drain of its node.

    https://kubernetes.io/docs/tasks/run-application/configure-pdb/
    """
    return PodDisruptionBudgetSpecArgs(
        max_unavailable=1,
        selector=LabelSelectorArgs(match_labels=selector(service, slot)),
        unhealthy_pod_eviction_policy="AlwaysAllow",
    )
