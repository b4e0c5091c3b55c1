"""`aws-ebs-csi-driver`: the controller, which makes volumes, and a program on each node, which mounts them.

https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/charts/aws-ebs-csi-driver/values.yaml
"""

from __future__ import annotations

from typing import Any

from rehearsal.stand_ins.aws.addons.addon import BUDGET, NAMESPACE, AddonKind, Configuration, apart, image
from rehearsal.stand_ins.values import ANY
from rehearsal.stand_ins.workloads import (
    EVERYWHERE,
    budget,
    container,
    daemon_set,
    deployment,
    placed,
    pods,
    requests,
    service_account,
)
from release.kubernetes_api import KubernetesObject

COMMON = {"app.kubernetes.io/component": "csi-driver", "app.kubernetes.io/name": "aws-ebs-csi-driver"}
RESOURCES = requests("10m", "40Mi", most_memory="256Mi")

CONTROLLER_SIDECARS = {
    "csi-provisioner": "provisioner",
    "csi-attacher": "attacher",
    "csi-snapshotter": "snapshotter",
    "csi-resizer": "resizer",
    "liveness-probe": "livenessProbe",
}
NODE_SIDECARS = {"node-driver-registrar": "nodeDriverRegistrar", "liveness-probe": "livenessProbe"}
"""Containers beside the driver's own, and where the configuration speaks of them."""

_BOTH = {
    "additionalArgs": list,
    "affinity": ANY,
    "dnsConfig": ANY,
    "enableMetrics": bool,
    "enablePrometheusAnnotations": bool,
    "env": list,
    "envFrom": list,
    "logLevel": int,
    "loggingFormat": str,
    "nodeSelector": ANY,
    "otelTracing": {"otelExporterEndpoint": str, "otelServiceName": str},
    "podAnnotations": ANY,
    "podLabels": ANY,
    "priorityClassName": str,
    "resources": ANY,
    "revisionHistoryLimit": int,
    "serviceMonitor": {"forceEnable": bool, "labels": ANY},
    "tolerations": list,
}
_SIDECAR = {"additionalArgs": list, "env": list, "logLevel": int, "resources": ANY}

SCHEMA = {
    "additionalDaemonSets": ANY,
    "controller": {
        **_BOTH,
        "batching": bool,
        "defaultFsType": str,
        "deploymentAnnotations": ANY,
        "enableNodeLocalVolumes": bool,
        "extraVolumeTags": ANY,
        "podDisruptionBudget": {**BUDGET, "unhealthyPodEvictionPolicy": str},
        "replicaCount": int,
        "sdkDebugLog": bool,
        "serviceAccount": {"automountServiceAccountToken": bool},
        "topologySpreadConstraints": list,
        "volumeModificationFeature": {"enabled": bool},
        "volumeMounts": list,
        "volumes": list,
    },
    "customLabels": ANY,
    "debugLogs": bool,
    "defaultStorageClass": {"enabled": bool},
    "fips": bool,
    "node": {
        **_BOTH,
        "daemonSetAnnotations": ANY,
        "enableLinux": bool,
        "enableWindows": bool,
        "hostNetwork": bool,
        "kubeletPath": str,
        "legacyXFS": bool,
        "metadataSources": str,
        "reservedVolumeAttachments": int,
        "selinux": bool,
        "serviceAccount": {"automountServiceAccountToken": bool, "disableMutation": bool},
        "terminationGracePeriodSeconds": int,
        "tolerateAllTaints": bool,
        "volumeAttachLimit": int,
    },
    "nodeAllocatableUpdatePeriodSeconds": int,
    "proxy": {"http_proxy": str, "no_proxy": str},
    "sidecars": {
        "attacher": _SIDECAR,
        "livenessProbe": _SIDECAR,
        "nodeDriverRegistrar": {**_SIDECAR, "healthPort": int},
        "provisioner": _SIDECAR,
        "resizer": _SIDECAR,
        "snapshotter": {**_SIDECAR, "forceEnable": bool},
        "volumemodifier": {**_SIDECAR, "volumeMounts": list},
    },
}


def _objects(values: Configuration, tag: str) -> list[KubernetesObject]:
    driver = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSIDriver",
        "metadata": {"name": "ebs.csi.aws.com", "labels": COMMON},
        "spec": {"attachRequired": True, "podInfoOnMount": False, "fsGroupPolicy": "File"},
    }
    return [driver, *_controller(values, tag), *_node(values, tag)]


def _controller(values: Configuration, tag: str) -> list[KubernetesObject]:
    name, account, own = "ebs-csi-controller", "ebs-csi-controller-sa", _part(values, "controller")
    labels = {**COMMON, "app": name}
    defaults = {
        "priorityClassName": "system-cluster-critical",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "affinity": {"podAntiAffinity": apart("app", name)},
        "tolerations": [
            {"key": "CriticalAddonsOnly", "operator": "Exists"},
            {"effect": "NoExecute", "operator": "Exists", "tolerationSeconds": 300},
        ],
    }
    spec = pods(account, _containers(values, own, CONTROLLER_SIDECARS, tag), placed(defaults, own))
    replicas = own.get("replicaCount") or 2
    return [
        service_account(account, NAMESPACE, COMMON),
        deployment(name, NAMESPACE, labels, spec, replicas=replicas, selector=labels, values=own),
        *budget(name, NAMESPACE, COMMON, labels, own),
    ]


def _node(values: Configuration, tag: str) -> list[KubernetesObject]:
    name, account, own = "ebs-csi-node", "ebs-csi-node-sa", _part(values, "node")
    labels = {**COMMON, "app": name}
    placement = placed(
        {"priorityClassName": "system-node-critical", "nodeSelector": {"kubernetes.io/os": "linux"}}, own
    )
    if own.get("tolerateAllTaints", True):
        placement["tolerations"] = EVERYWHERE
    spec = pods(account, _containers(values, own, NODE_SIDECARS, tag), placement)
    return [
        service_account(account, NAMESPACE, COMMON),
        daemon_set(name, NAMESPACE, labels, spec, selector=labels, values=own),
    ]


def _containers(
    values: Configuration, own: Configuration, sidecars: dict[str, str], tag: str
) -> list[KubernetesObject]:
    resources = own.get("resources") or RESOURCES
    said: Any = values.get("sidecars") or {}
    return [
        container("ebs-plugin", image("eks/aws-ebs-csi-driver", tag), resources),
        *(
            container(name, image(f"eks/{name}", tag), _part(said, key).get("resources") or resources)
            for name, key in sidecars.items()
        ),
    ]


def _part(values: Configuration, name: str) -> Configuration:
    return values.get(name) or {}


ADDON = AddonKind("aws-ebs-csi-driver", SCHEMA, _objects)
