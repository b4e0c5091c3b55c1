"""The live slot's size."""

from __future__ import annotations

from pulumi_kubernetes.autoscaling.v2 import (
    CrossVersionObjectReferenceArgs,
    HorizontalPodAutoscalerBehaviorArgs,
    HorizontalPodAutoscalerSpecArgs,
    HPAScalingPolicyArgs,
    HPAScalingRulesArgs,
    MetricSpecArgs,
    MetricTargetArgs,
    ResourceMetricSourceArgs,
)

import config

TARGET_CPU_PERCENT = 70
"""Of the CPU request; the autoscaler adds pods above it."""

CALM_SECONDS = 300
"""How long load must have been lower before a pod goes, so that a lull does not shrink what the next minute needs."""


def autoscaler_spec(deployment: str, replicas: config.ReplicaRange) -> HorizontalPodAutoscalerSpecArgs:
    """Grows as fast as Kubernetes does by default, shrinks by a pod a minute.

    Args:
        deployment: The Deployment to scale: a seed, the release tool's afterwards.
        replicas: Fewest and most pods.
    """
    return HorizontalPodAutoscalerSpecArgs(
        scale_target_ref=CrossVersionObjectReferenceArgs(api_version="apps/v1", kind="Deployment", name=deployment),
        min_replicas=replicas.min,
        max_replicas=replicas.max,
        metrics=[
            MetricSpecArgs(
                type="Resource",
                resource=ResourceMetricSourceArgs(
                    name="cpu", target=MetricTargetArgs(type="Utilization", average_utilization=TARGET_CPU_PERCENT)
                ),
            )
        ],
        behavior=HorizontalPodAutoscalerBehaviorArgs(
            scale_down=HPAScalingRulesArgs(
                stabilization_window_seconds=CALM_SECONDS,
                policies=[HPAScalingPolicyArgs(type="Pods", value=1, period_seconds=60)],
            )
        ),
    )
