"""Specs of an environment's ResourceQuotas and LimitRange."""

from __future__ import annotations

from pulumi_kubernetes.core.v1 import (
    LimitRangeItemArgs,
    LimitRangeSpecArgs,
    ResourceQuotaSpecArgs,
    ScopedResourceSelectorRequirementArgs,
    ScopeSelectorArgs,
)

import config
from components.kubernetes import priority_classes

DEFAULT_REQUESTS = {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "64Mi"}
DEFAULT_LIMITS = {"cpu": "500m", "memory": "128Mi", "ephemeral-storage": "256Mi"}
"""Of a container without its own, such as one started by hand: the quota refuses pods without requests."""

FOREIGN_CLASSES = (priority_classes.TOOLING, *priority_classes.SYSTEM)
"""PriorityClasses whose pods could preempt tooling or system pods."""


def quota(limits: config.Quota) -> ResourceQuotaSpecArgs:
    """ResourceQuota of all pods of an environment: both slots of every service."""
    return ResourceQuotaSpecArgs(
        hard={
            "requests.cpu": limits.cpu,
            "requests.memory": limits.memory,
            "pods": str(limits.pods),
            # Traffic from outside comes through an Ingress only.
            "services.loadbalancers": "0",
        }
    )


def no_foreign_classes() -> ResourceQuotaSpecArgs:
    """ResourceQuota that allows no pod of `FOREIGN_CLASSES`.

    https://kubernetes.io/docs/concepts/policy/resource-quotas/#resource-quota-per-priorityclass
    """
    return ResourceQuotaSpecArgs(
        hard={"pods": "0"},
        scope_selector=ScopeSelectorArgs(
            match_expressions=[
                ScopedResourceSelectorRequirementArgs(
                    scope_name="PriorityClass", operator="In", values=list(FOREIGN_CLASSES)
                )
            ]
        ),
    )


def defaults() -> LimitRangeSpecArgs:
    """LimitRange with the default requests and limits of a container."""
    return LimitRangeSpecArgs(
        limits=[LimitRangeItemArgs(type="Container", default=DEFAULT_LIMITS, default_request=DEFAULT_REQUESTS)]
    )
