"""The values of Jenkins' chart. Pure.

https://github.com/jenkinsci/helm-charts/blob/jenkins-5.9.53/charts/jenkins/values.yaml
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from components.delivery.jenkins.agents import USER
from components.delivery.jenkins.names import ADMIN, NAME, PORT
from components.kubernetes.scheduling import node_affinity_manifest, toleration_manifest
from contract.namespaces import DELIVERY

CONFINED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsUser": USER,
    "runAsGroup": USER,
}
REQUESTS = {"cpu": "500m", "memory": "2Gi", "ephemeral-storage": "1Gi"}
LIMITS = {"cpu": "2", "memory": "2Gi", "ephemeral-storage": "4Gi"}
SIDECAR = {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"cpu": "100m", "memory": "64Mi"}}
HOME_SIZE = "20Gi"
AGENTS = 2
"""At a time, of all kinds."""


def values(
    *,
    url: str,
    environment: str,
    priority_class: str,
    storage_class: str,
    configuration: str,
    pod_templates: str,
    plugins: Mapping[str, str],
    secrets: Mapping[str, Sequence[str]],
) -> dict[str, object]:
    """What the chart is told.

    Args:
        url: Where people reach it.
        environment: On whose nodes it runs.
        priority_class: Its PriorityClass.
        storage_class: Of its home.
        configuration: JCasC, as YAML.
        pod_templates: The agents', as YAML.
        plugins: Version of each.
        secrets: Keys of each Secret that the configuration names, as `${SECRET-KEY}`.
    """
    return {
        "fullnameOverride": NAME,
        "controller": {
            "admin": {"existingSecret": ADMIN, "userKey": "username", "passwordKey": "password"},
            "additionalExistingSecrets": [
                {"name": secret, "keyName": key} for secret, keys in secrets.items() for key in keys
            ],
            "jenkinsUrl": url,
            "javaOpts": "-XX:MaxRAMPercentage=60",
            "resources": {"requests": REQUESTS, "limits": LIMITS},
            "podSecurityContextOverride": {
                "runAsNonRoot": True,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                "fsGroupChangePolicy": "OnRootMismatch",
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containerSecurityContext": CONFINED,
            "sidecars": {"configAutoReload": {"containerSecurityContext": CONFINED, "resources": SIDECAR}},
            "servicePort": PORT,
            # The load balancer's targets are nodes: decision 0003.
            "serviceType": "NodePort",
            # Agents come by WebSocket, through the same port.
            "agentListenerEnabled": False,
            "installPlugins": [f"{name}:{version}" for name, version in plugins.items()],
            # What plugins depend on, at the version that they name: not at today's newest.
            "installLatestPlugins": False,
            "overwritePlugins": True,
            "JCasC": {"configScripts": {"hello": configuration}, "overwriteConfiguration": True},
            "affinity": node_affinity_manifest(environment),
            "tolerations": [toleration_manifest(environment)],
            "priorityClassName": priority_class,
            "testEnabled": False,
        },
        "agent": {
            "namespace": DELIVERY,
            "websocket": True,
            "disableDefaultAgent": True,
            "containerCap": AGENTS,
            "podTemplates": {"hello": pod_templates},
        },
        "persistence": {"storageClass": storage_class, "size": HOME_SIZE},
        "serviceAccount": {"name": NAME},
    }
