"""The HorizontalPodAutoscaler of the live slot."""

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
from contract.blue_green import WARM_SECONDS

TARGET_CPU_PERCENT = 70
"""Average CPU use, in percent of the request, that the autoscaler aims at."""

SCALE_DOWN_SECONDS = WARM_SECONDS + 300
"""Stabilization window of scaling down: the load must have been lower for this long before a pod is removed.

After a switch, connections that were open go on loading the old slot until it is retired, so that the new one seems to
need fewer pods than it will. The window is longer than the old slot stays and reaches back to the load before the
switch, since the autoscaler's recommendations are its own, whichever Deployment it scales.
https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/controller/podautoscaler/horizontal.go
(`stabilizeRecommendationWithBehaviors`)
"""


def autoscaler_spec(deployment: str, replicas: config.ReplicaRange) -> HorizontalPodAutoscalerSpecArgs:
    """Scales up at Kubernetes' default rate, and down by one pod a minute.

    Args:
        deployment: Name of the Deployment: the initial value; the release tool changes it afterwards.
        replicas: Minimum and maximum number of pods.
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
                stabilization_window_seconds=SCALE_DOWN_SECONDS,
                policies=[HPAScalingPolicyArgs(type="Pods", value=1, period_seconds=60)],
            )
        ),
    )
