"""The operator that runs Elasticsearch and Kibana: certificates, passwords of its own, upgrades node by node."""

from __future__ import annotations

import pulumi

from components.kubernetes.priority_classes import TOOLING
from contract import labels

NAME = "elastic-operator"

RESOURCES = {"cpu": "100m", "memory": "200Mi", "ephemeral-storage": "64Mi"}
LIMITS = {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "256Mi"}
"""Of memory it takes 95 MB once it has started, and more the more it watches; the limit is the chart's own."""


def values(namespace: pulumi.Input[str], environment: str) -> dict[str, object]:
    """The chart's values: its CRDs, and an operator that knows one namespace; it gives it no right outside.

    https://github.com/elastic/cloud-on-k8s/blob/v3.5.0/deploy/eck-operator/values.yaml

    Args:
        namespace: Where it is, and where what it runs is.
        environment: On whose nodes it runs.
    """
    return {
        "fullnameOverride": NAME,
        "installCRDs": True,
        "managedNamespaces": [namespace],
        # Without rights on the cluster it has no webhook, and looks at no StorageClass: it says in the object's
        # status what a webhook would have refused.
        "createClusterScopedResources": False,
        "webhook": {"enabled": False},
        "config": {"validateStorageClass": False},
        "telemetry": {"disabled": True},
        "priorityClassName": TOOLING,
        "nodeSelector": {labels.ENVIRONMENT: environment},
        "resources": {"requests": RESOURCES, "limits": LIMITS},
        "podSecurityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    }
