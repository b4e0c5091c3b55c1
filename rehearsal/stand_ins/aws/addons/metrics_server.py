"""`metrics-server`, and its API `metrics.k8s.io`: as custom resources, which `rehearsal/metrics/` writes.

https://docs.aws.amazon.com/eks/latest/userguide/metrics-server.html
"""

from __future__ import annotations

from rehearsal.metrics.definitions import definitions
from rehearsal.stand_ins.aws.addons.addon import (
    BUDGET,
    NAMESPACE,
    ON_LINUX,
    AddonKind,
    Configuration,
    apart,
    image,
    over_zones,
)
from rehearsal.stand_ins.values import ANY, RESOURCES
from rehearsal.stand_ins.workloads import budget, container, deployment, placed, pods, requests, service_account
from release.kubernetes_api import KubernetesObject

NAME = "metrics-server"
LABELS = {"app.kubernetes.io/instance": NAME, "app.kubernetes.io/name": NAME}

SCHEMA = {
    "addonResizer": {"enabled": bool, "resources": RESOURCES},
    "affinity": ANY,
    "containerPort": int,
    "hostNetwork": {"enabled": bool},
    "nodeSelector": ANY,
    "podAnnotations": ANY,
    "podDisruptionBudget": BUDGET,
    "podLabels": ANY,
    "replicas": int,
    "resources": RESOURCES,
    "tolerations": list,
    "topologySpreadConstraints": list,
}


def _objects(values: Configuration, tag: str) -> list[KubernetesObject]:
    defaults = {
        "priorityClassName": "system-cluster-critical",
        "affinity": {
            "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": ON_LINUX},
            "podAntiAffinity": apart("app.kubernetes.io/name", NAME),
        },
        "tolerations": [{"key": "CriticalAddonsOnly", "operator": "Exists"}],
        "topologySpreadConstraints": over_zones(LABELS),
    }
    resources = values.get("resources") or requests("100m", "200Mi", most_memory="400Mi")
    spec = pods(NAME, [container(NAME, image("eks/metrics-server", tag), resources)], placed(defaults, values))
    return [
        service_account(NAME, NAMESPACE, LABELS),
        deployment(NAME, NAMESPACE, LABELS, spec, replicas=values.get("replicas") or 2, selector=LABELS, values=values),
        *budget(NAME, NAMESPACE, LABELS, LABELS, values),
        *definitions(),
    ]


ADDON = AddonKind(NAME, SCHEMA, _objects)
