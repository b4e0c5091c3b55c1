"""`jenkins`. It does not run here: no plugin is fetched, no agent is made, and its home is no volume.

https://github.com/jenkinsci/helm-charts/tree/jenkins-5.9.53/charts/jenkins
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rehearsal.stand_ins.kubernetes.helm.chart import Chart, Release, full_name, labels
from rehearsal.stand_ins.values import ANY
from rehearsal.stand_ins.workloads import container, deployment, placed, pods, service_account
from release.kubernetes_api import KubernetesObject

NAME = "jenkins"

VALUES = {
    "agent": {
        "containerCap": int,
        "disableDefaultAgent": bool,
        "namespace": str,
        "podTemplates": ANY,
        "resources": ANY,
        "websocket": bool,
    },
    "controller": {
        "JCasC": {"configScripts": ANY, "defaultConfig": bool, "overwriteConfiguration": bool},
        "additionalExistingSecrets": list,
        "admin": {"createSecret": bool, "existingSecret": str, "passwordKey": str, "userKey": str, "username": str},
        "affinity": ANY,
        "agentListenerEnabled": bool,
        "containerSecurityContext": ANY,
        "image": {"pullPolicy": str, "registry": str, "repository": str, "tag": str},
        "installLatestPlugins": bool,
        "installPlugins": list,
        "javaOpts": str,
        "jenkinsUrl": str,
        "nodeSelector": ANY,
        "overwritePlugins": bool,
        "podSecurityContextOverride": ANY,
        "priorityClassName": str,
        "resources": ANY,
        "servicePort": int,
        "serviceType": str,
        "sidecars": {"configAutoReload": {"containerSecurityContext": ANY, "enabled": bool, "resources": ANY}},
        "testEnabled": bool,
        "tolerations": list,
        "topologySpreadConstraints": list,
    },
    "fullnameOverride": str,
    "nameOverride": str,
    "persistence": {"enabled": bool, "size": str, "storageClass": str},
    "rbac": {"create": bool, "readSecrets": bool},
    "serviceAccount": {"create": bool, "name": str},
}
"""Those that a platform like this one has a use for."""


def _objects(release: Release) -> list[KubernetesObject]:
    controller = _part(release.values, "controller")
    name = full_name(release, NAME)
    account = str(_part(release.values, "serviceAccount").get("name") or name)
    selector = {"app.kubernetes.io/component": "jenkins-controller", "app.kubernetes.io/instance": release.name}
    every = {**labels(release, NAME, NAME), **selector}
    confined = {"securityContext": _part(controller, "containerSecurityContext")}
    sidecar = _part(_part(controller, "sidecars"), "configAutoReload")
    spec = {
        **pods(
            account,
            [
                {**container(NAME, "docker.io/jenkins/jenkins:lts", controller.get("resources")), **confined},
                {
                    **container("config-reload", "docker.io/kiwigrid/k8s-sidecar:2", sidecar.get("resources")),
                    "securityContext": _part(sidecar, "containerSecurityContext"),
                },
            ],
            placed({}, controller),
        ),
        "securityContext": _part(controller, "podSecurityContextOverride"),
    }
    port = controller.get("servicePort") or 8080
    service: KubernetesObject = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": release.namespace, "labels": every},
        "spec": {
            "type": controller.get("serviceType") or "ClusterIP",
            "selector": selector,
            "ports": [{"name": "http", "port": port, "targetPort": 8080}],
        },
    }
    return [
        service_account(account, release.namespace, every),
        service,
        deployment(name, release.namespace, every, spec, replicas=1, selector=selector, values=controller),
    ]


def _part(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    return dict(values.get(name) or {})


CHART = Chart(NAME, "https://charts.jenkins.io", VALUES, _objects)
