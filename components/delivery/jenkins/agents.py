"""Pod templates of Jenkins' agents, one for each kind: `build`, `release`, `verify`, `preview`. Pure.

https://plugins.jenkins.io/kubernetes/
"""

from __future__ import annotations

import json
from typing import Any

from components.delivery.jenkins.names import BUILD_SECRETS, BUILDER, BUILDKIT_CLIENT, PREVIEWER, SERVICE_ACCOUNTS
from components.kubernetes.scheduling import node_affinity_manifest, toleration_manifest
from contract.identities import RELEASE_TOOL_LABELS
from contract.namespaces import DELIVERY

HOME = "/home/jenkins"
BUILDKIT_TLS = "/etc/buildkit"
BUILD_SECRETS_FOLDER = "/etc/build-secrets"
MEMORY = {"preview": "2Gi"}
"""Memory of the kinds that need more than 1 GiB: a preview runs the Pulumi engine and its providers."""

LABELS = {"build": BUILDER, "preview": PREVIEWER}
"""Pod labels by kind, for NetworkPolicies; the others have `RELEASE_TOOL_LABELS`."""

TOKEN_KINDS = ("release", "verify")
"""Kinds whose pods mount the token of their service account."""

USER = 1000
"""User and group id of the containers."""


def pod(kind: str, image: str, *, environment: str, priority_class: str, build_secrets: bool = False) -> dict[str, Any]:
    """The manifest of an agent's pod.

    Args:
        kind: `build`, `release`, `verify` or `preview`.
        image: The agents' image, by digest.
        environment: Environment on whose nodes the pod runs.
        priority_class: Name of the PriorityClass.
        build_secrets: Whether builds have secrets.
    """
    builds, memory = kind == "build", MEMORY.get(kind, "1Gi")
    volumes: list[dict[str, Any]] = [{"name": "home", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}]
    mounts: list[dict[str, Any]] = [{"name": "home", "mountPath": HOME}, {"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108 - a volume of the pod
    if builds:
        volumes.append({"name": "buildkit", "secret": {"secretName": BUILDKIT_CLIENT, "defaultMode": 0o440}})
        mounts.append({"name": "buildkit", "mountPath": BUILDKIT_TLS, "readOnly": True})
    if builds and build_secrets:
        volumes.append({"name": "secrets", "secret": {"secretName": BUILD_SECRETS, "defaultMode": 0o440}})
        mounts.append({"name": "secrets", "mountPath": BUILD_SECRETS_FOLDER, "readOnly": True})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": DELIVERY, "labels": dict(LABELS.get(kind, RELEASE_TOOL_LABELS))},
        "spec": {
            "serviceAccountName": SERVICE_ACCOUNTS[kind],
            "automountServiceAccountToken": kind in TOKEN_KINDS,
            "affinity": node_affinity_manifest(environment),
            "tolerations": [toleration_manifest(environment)],
            "priorityClassName": priority_class,
            "restartPolicy": "Never",
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "jnlp",
                    "image": image,
                    "resources": {
                        "requests": {"cpu": "500m", "memory": memory, "ephemeral-storage": "2Gi"},
                        "limits": {"cpu": "1", "memory": memory, "ephemeral-storage": "8Gi"},
                    },
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                        "readOnlyRootFilesystem": True,
                    },
                    "volumeMounts": mounts,
                }
            ],
            "volumes": volumes,
        },
    }


def templates(image: str, *, environment: str, priority_class: str, previews: bool, build_secrets: bool = False) -> str:
    """A value of the chart's `podTemplates`, as JSON, which is also YAML; of `preview` where Jenkins previews."""

    def manifest(kind: str) -> str:
        one = pod(kind, image, environment=environment, priority_class=priority_class, build_secrets=build_secrets)
        return json.dumps(one, indent=1)

    kinds = [kind for kind in SERVICE_ACCOUNTS if previews or kind != "preview"]
    return json.dumps(
        [
            {
                "name": kind,
                "label": kind,
                "nodeUsageMode": "EXCLUSIVE",
                "serviceAccount": SERVICE_ACCOUNTS[kind],
                "yamlMergeStrategy": "override",
                **({"instanceCap": 1} if kind in MEMORY else {}),
                "yaml": manifest(kind),
            }
            for kind in kinds
        ],
        indent=1,
    )
