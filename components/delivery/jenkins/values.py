"""The values of the Jenkins chart. Pure.

https://github.com/jenkinsci/helm-charts/blob/jenkins-5.9.53/charts/jenkins/values.yaml
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import config
from components.delivery.jenkins import access
from components.delivery.jenkins.agents import USER
from components.delivery.jenkins.names import ADMIN, NAME, PORT
from components.kubernetes.scheduling import node_affinity_manifest, toleration_manifest
from contract.namespaces import DELIVERY

SECURITY_CONTEXT = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsUser": USER,
    "runAsGroup": USER,
}
REQUESTS = {"cpu": "500m", "memory": "2Gi", "ephemeral-storage": "1Gi"}
LIMITS = {"cpu": "2", "memory": "2Gi", "ephemeral-storage": "4Gi"}
SIDECAR = {"requests": {"cpu": "10m", "memory": "256Mi"}, "limits": {"cpu": "100m", "memory": "256Mi"}}
"""Resources of the container that reloads the configuration, and of the init container that fetches it first.

k8s-sidecar 2 takes up to 189 MB: https://github.com/kiwigrid/k8s-sidecar/issues/462
"""

HOME_SIZE = "20Gi"
AGENTS = 2
"""Maximum number of agents at a time, of all kinds together."""


def values(
    *,
    url: str,
    environment: str,
    priority_class: str,
    storage_class: str,
    configuration: str,
    pod_templates: str,
    login: config.Login | None,
    plugins: Mapping[str, str],
    secrets: Mapping[str, Sequence[str]],
    annotations: Mapping[str, str],
    docker_hub: str,
) -> dict[str, object]:
    """The chart's values.

    Args:
        url: URL of Jenkins' pages.
        environment: Environment on whose nodes the controller runs.
        priority_class: Name of the controller's PriorityClass.
        storage_class: StorageClass of Jenkins' home.
        configuration: The configuration as code, as YAML.
        pod_templates: The agents' pod templates, as YAML.
        login: Who may log in and do what; None if `admin` is the only user.
        plugins: Version of each plugin, by its name.
        secrets: Keys of each Secret that the configuration refers to, as `${SECRET-KEY}`.
        annotations: Annotations of the controller's pod.
        docker_hub: Where nodes pull Docker Hub's images from.
    """
    return {
        "fullnameOverride": NAME,
        "controller": {
            "admin": {"existingSecret": ADMIN, "userKey": "username", "passwordKey": "password"},
            "additionalExistingSecrets": [
                {"name": secret, "keyName": key} for secret, keys in secrets.items() for key in keys
            ],
            "jenkinsUrl": url,
            "podAnnotations": dict(annotations),
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
            "containerSecurityContext": SECURITY_CONTEXT,
            "image": {"registry": docker_hub},
            "sidecars": {
                "configAutoReload": {
                    "image": {"registry": docker_hub},
                    "containerSecurityContext": SECURITY_CONTEXT,
                    "resources": SIDECAR,
                }
            },
            "servicePort": PORT,
            # The load balancer's targets are nodes: decision 0003.
            "serviceType": "NodePort",
            # Agents connect by WebSocket, through the same port.
            "agentListenerEnabled": False,
            "installPlugins": [f"{name}:{version}" for name, version in plugins.items()],
            # Dependencies of plugins at the version that they declare, not at the newest one.
            "installLatestPlugins": False,
            "overwritePlugins": True,
            "JCasC": {
                "configScripts": {"hello": configuration},
                "overwriteConfiguration": True,
                **(
                    {"securityRealm": access.realm(login), "authorizationStrategy": access.strategy(login)}
                    if login
                    else {}
                ),
            },
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
        "persistence": {
            "storageClass": storage_class,
            "size": HOME_SIZE,
            # The home outlives the release: one that is replaced finds it again. It goes with the namespace.
            "annotations": {"helm.sh/resource-policy": "keep"},
        },
        "serviceAccount": {"name": NAME},
    }
