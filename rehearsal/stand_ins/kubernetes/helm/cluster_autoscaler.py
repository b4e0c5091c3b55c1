"""`cluster-autoscaler`. It does not run here: nodes stay as many as their node group desires.

https://github.com/kubernetes/autoscaler/tree/cluster-autoscaler-chart-9.53.0/charts/cluster-autoscaler
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rehearsal.stand_ins.kubernetes.helm.chart import Chart, Release, full_name, labels
from rehearsal.stand_ins.values import ANY
from rehearsal.stand_ins.workloads import budget, container, deployment, placed, pods, service_account
from release.kubernetes_api import KubernetesObject

NAME = "cluster-autoscaler"
PRIORITY = "system-cluster-critical"

VALUES = {
    "additionalLabels": ANY,
    "affinity": ANY,
    "autoDiscovery": {"clusterName": str, "labels": list, "namespace": str, "roles": list, "tags": list},
    "awsRegion": str,
    "cloudProvider": str,
    "containerSecurityContext": ANY,
    "deployment": {"annotations": ANY},
    "dnsConfig": ANY,
    "dnsPolicy": str,
    "expanderPriorities": ANY,
    "extraArgs": ANY,
    "extraEnv": ANY,
    "fullnameOverride": str,
    "hostNetwork": bool,
    "image": {"pullPolicy": str, "pullSecrets": list, "repository": str, "tag": str},
    "nameOverride": str,
    "nodeSelector": ANY,
    "podAnnotations": ANY,
    "podDisruptionBudget": {"maxUnavailable": ANY, "minAvailable": ANY},
    "podLabels": ANY,
    "priorityClassName": str,
    "rbac": {
        "annotations": ANY,
        "clusterScoped": bool,
        "create": bool,
        "serviceAccount": {"annotations": ANY, "automountServiceAccountToken": bool, "create": bool, "name": str},
    },
    "replicaCount": int,
    "resources": ANY,
    "revisionHistoryLimit": int,
    "securityContext": ANY,
    "service": ANY,
    "serviceMonitor": ANY,
    "tolerations": list,
    "topologySpreadConstraints": list,
    "updateStrategy": ANY,
}
"""Without those for other clouds, for keys of IAM users and for volumes."""


def _objects(release: Release) -> list[KubernetesObject]:
    values = release.values
    short = str(values.get("nameOverride") or f"{values.get('cloudProvider') or 'aws'}-{NAME}")
    name = full_name(release, short)
    every = {**labels(release, NAME, short), **_part(values, "additionalLabels")}
    selector = {
        "app.kubernetes.io/instance": release.name,
        "app.kubernetes.io/name": short,
        **_part(values, "podLabels"),
    }
    account = _part(_part(values, "rbac"), "serviceAccount")
    account_name = str(account.get("name") or name)
    spec = {
        **pods(account_name, [_program(short, values)], placed({"priorityClassName": PRIORITY}, values)),
        "securityContext": _part(values, "securityContext"),
    }
    return [
        *([service_account(account_name, release.namespace, every)] if account.get("create", True) else []),
        deployment(
            name,
            release.namespace,
            {**every, **selector},
            spec,
            replicas=values.get("replicaCount") or 1,
            selector=selector,
            values=values,
        ),
        *budget(name, release.namespace, every, selector, values),
    ]


def _program(name: str, values: Mapping[str, Any]) -> KubernetesObject:
    image = _part(values, "image")
    repository = image.get("repository") or "registry.k8s.io/autoscaling/cluster-autoscaler"
    return {
        **container(name, f"{repository}:{image.get('tag') or 'latest'}", values.get("resources")),
        "securityContext": _part(values, "containerSecurityContext"),
    }


def _part(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    return dict(values.get(name) or {})


CHART = Chart(NAME, "https://kubernetes.github.io/autoscaler", VALUES, _objects)
