"""What the pods of an environment may use: specs of its quotas and of its defaults."""

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
"""Of a container that says nothing, such as one started by hand: the quota refuses a pod without requests."""

FOREIGN_CLASSES = (priority_classes.TOOLING, *priority_classes.SYSTEM)
"""Priority classes whose pods would drive out the tools, or what the cluster cannot do without."""


def quota(of_all_pods: config.Quota) -> ResourceQuotaSpecArgs:
    """What all pods of both slots of every service may use together."""
    return ResourceQuotaSpecArgs(
        hard={
            "requests.cpu": of_all_pods.cpu,
            "requests.memory": of_all_pods.memory,
            "pods": str(of_all_pods.pods),
            # The Ingress is the only way in.
            "services.loadbalancers": "0",
        }
    )


def no_foreign_classes() -> ResourceQuotaSpecArgs:
    """No pod of a class that is not the services' own to name.

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
    """What a container gets that says nothing."""
    return LimitRangeSpecArgs(
        limits=[LimitRangeItemArgs(type="Container", default=DEFAULT_LIMITS, default_request=DEFAULT_REQUESTS)]
    )
