"""`eck-operator`. Its CRDs are the real ones, and so is the operator: it runs outside, its pod stands for it.

https://github.com/elastic/cloud-on-k8s/tree/v3.5.0/deploy/eck-operator
"""

from __future__ import annotations

import functools
from typing import Any, cast

import yaml

from rehearsal import elastic_operator
from rehearsal.layout import Layout
from rehearsal.stand_ins.kubernetes.helm.chart import Chart, Release, full_name, labels
from rehearsal.stand_ins.values import ANY
from rehearsal.stand_ins.workloads import container, placed, pods, service_account
from rehearsal.toolchain import eck_crds
from release.kubernetes_api import KubernetesObject

NAME = "eck-operator"
PROGRAM = "elastic-operator"

VALUES = {
    "affinity": ANY,
    "config": {
        "caRotateBefore": str,
        "caValidity": str,
        "certificatesRotateBefore": str,
        "certificatesValidity": str,
        "containerRegistry": str,
        "logVerbosity": str,
        "validateStorageClass": bool,
    },
    "createClusterScopedResources": bool,
    "fullnameOverride": str,
    "image": {"digest": str, "pullPolicy": str, "repository": str, "tag": str},
    "installCRDs": bool,
    "managedNamespaces": list,
    "nameOverride": str,
    "nodeSelector": ANY,
    "podAnnotations": ANY,
    "podLabels": ANY,
    "podSecurityContext": ANY,
    "priorityClassName": str,
    "replicaCount": int,
    "resources": ANY,
    "securityContext": ANY,
    "telemetry": {"disabled": bool},
    "tolerations": list,
    "webhook": {"enabled": bool},
}
"""Those that matter here; a rehearsal has no webhook."""

CONFINED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
}
"""The chart's default."""


def _objects(release: Release) -> list[KubernetesObject]:
    values = release.values
    name = full_name(release, PROGRAM)
    every = labels(release, NAME, PROGRAM)
    selector = {"control-plane": PROGRAM}
    program = {
        **container("manager", f"docker.elastic.co/eck/eck-operator:{release.version}", values.get("resources")),
        "securityContext": values.get("securityContext") or CONFINED,
    }
    spec = {
        **pods(name, [program], placed({}, values)),
        "securityContext": values.get("podSecurityContext") or {"runAsNonRoot": True},
    }
    stateful_set = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name, "namespace": release.namespace, "labels": every},
        "spec": {
            "replicas": values.get("replicaCount") or 1,
            "serviceName": name,
            "selector": {"matchLabels": selector},
            "template": {"metadata": {"labels": {**every, **selector}}, "spec": spec},
        },
    }
    crds = definitions() if values.get("installCRDs", True) else []
    return [*crds, service_account(name, release.namespace, every), stateful_set]


@functools.cache
def definitions() -> list[KubernetesObject]:
    """The CRDs, from the operator's Go module."""
    return [cast("dict[str, Any]", one) for one in yaml.load_all(eck_crds().read_text(), yaml.CSafeLoader) if one]


def _starts(layout: Layout, release: Release) -> None:
    elastic_operator.start(layout, namespaces=list(release.values.get("managedNamespaces") or []))


CHART = Chart(NAME, "https://helm.elastic.co", VALUES, _objects, starts=_starts, ends=elastic_operator.stop)
