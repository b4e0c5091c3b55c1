"""`aws-load-balancer-controller`. It does not run here: the front door does its work, and KWOK what it writes.

Its kinds are the real ones, from its Go module. Webhooks are left out: nothing would answer them.
https://github.com/kubernetes-sigs/aws-load-balancer-controller/tree/v3.3.0/helm/aws-load-balancer-controller
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from rehearsal import toolchain
from rehearsal.stand_ins.kubernetes.helm.chart import Chart, Release, full_name, labels
from rehearsal.stand_ins.values import ANY
from rehearsal.stand_ins.workloads import budget, container, deployment, placed, pods, service_account
from release.kubernetes_api import KubernetesObject

NAME = "aws-load-balancer-controller"
PRIORITY = "system-cluster-critical"
DEFAULT_REPLICAS = 2

VALUES = {
    "additionalLabels": ANY,
    "affinity": ANY,
    "clusterName": str,
    "clusterSecretsPermissions": {"allowAllSecrets": bool},
    "configureDefaultAffinity": bool,
    "controllerConfig": {"featureGates": ANY},
    "createIngressClassResource": bool,
    "defaultSSLPolicy": str,
    "defaultTags": ANY,
    "defaultTargetType": str,
    "disableIngressClassAnnotation": bool,
    "disableIngressGroupNameAnnotation": bool,
    "disableRestrictedSecurityGroupRules": bool,
    "enableBackendSecurityGroup": bool,
    "enablePodReadinessGateInject": bool,
    "enableServiceMutatorWebhook": bool,
    "enableShield": bool,
    "enableWaf": bool,
    "enableWafv2": bool,
    "fullnameOverride": str,
    "image": {"pullPolicy": str, "repository": str, "tag": str},
    "ingressClass": str,
    "ingressClassParams": {"create": bool, "name": str, "spec": ANY},
    "keepTLSSecret": bool,
    "logLevel": str,
    "nameOverride": str,
    "nodeSelector": ANY,
    "podAnnotations": ANY,
    "podDisruptionBudget": {"maxUnavailable": ANY, "minAvailable": ANY},
    "podLabels": ANY,
    "podSecurityContext": ANY,
    "priorityClassName": str,
    "rbac": {"create": bool},
    "region": str,
    "replicaCount": int,
    "resources": ANY,
    "securityContext": ANY,
    "serviceAccount": {"annotations": ANY, "automountServiceAccountToken": bool, "create": bool, "name": str},
    "tolerations": list,
    "topologySpreadConstraints": list,
    "updateStrategy": ANY,
    "vpcId": str,
}
"""Without those for certificates of other makers, for other clouds' networks, and for Gateways."""

_POD = {"fsGroup": 65534}
_CONTAINER = {"readOnlyRootFilesystem": True, "runAsNonRoot": True, "allowPrivilegeEscalation": False}
"""The chart's own defaults, which the program's values are merged into."""


def _definitions() -> list[KubernetesObject]:
    files = sorted(toolchain.load_balancer_crds().glob("*.yaml"))
    return [definition for file in files for definition in yaml.safe_load_all(file.read_text()) if definition]


def _objects(release: Release) -> list[KubernetesObject]:
    values = release.values
    short = str(values.get("nameOverride") or NAME)
    name = full_name(release, short)
    every = {**labels(release, NAME, short), **_part(values, "additionalLabels")}
    selector = {"app.kubernetes.io/instance": release.name, "app.kubernetes.io/name": short}
    account = _part(values, "serviceAccount")
    account_name = str(account.get("name") or name)
    spec = {
        **pods(account_name, [_program(values)], placed({"priorityClassName": PRIORITY}, values)),
        "securityContext": {**_POD, **_part(values, "podSecurityContext")},
    }
    replicas = values.get("replicaCount") or DEFAULT_REPLICAS
    # Unlike other charts it has a budget only where one is asked for.
    budgets = budget(name, release.namespace, every, selector, values) if values.get("podDisruptionBudget") else []
    return [
        *([service_account(account_name, release.namespace, every)] if account.get("create", True) else []),
        deployment(name, release.namespace, every, spec, replicas=replicas, selector=selector, values=values),
        *budgets,
    ]


def _program(values: Mapping[str, Any]) -> KubernetesObject:
    image = _part(values, "image")
    repository = image.get("repository") or f"public.ecr.aws/eks/{NAME}"
    return {
        **container(NAME, f"{repository}:{image.get('tag') or 'latest'}", values.get("resources")),
        "securityContext": {**_CONTAINER, **_part(values, "securityContext")},
    }


def _part(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    return dict(values.get(name) or {})


CHART = Chart(NAME, "https://aws.github.io/eks-charts", VALUES, _objects, _definitions)
