"""Values of the ECK operator's chart. The operator runs Elasticsearch and Kibana: certificates, users, upgrades."""

from __future__ import annotations

import pulumi

from components.kubernetes.priority_classes import TOOLING
from contract import labels

NAME = "elastic-operator"

RESOURCES = {"cpu": "100m", "memory": "200Mi", "ephemeral-storage": "64Mi"}
LIMITS = {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "256Mi"}
"""It uses 95 MB of memory after the start, and more with the number of objects; the limit is the chart's default."""


def values(namespace: pulumi.Input[str], environment: str) -> dict[str, object]:
    """The chart's values: the CRDs, and an operator for one namespace, without rights outside of it.

    https://github.com/elastic/cloud-on-k8s/blob/v3.5.0/deploy/eck-operator/values.yaml

    Args:
        namespace: Namespace of the operator, and of the objects that it manages.
        environment: Environment on whose nodes the operator runs.
    """
    return {
        "fullnameOverride": NAME,
        "installCRDs": True,
        "managedNamespaces": [namespace],
        # Without cluster-wide rights, the operator has no webhook and does not validate the StorageClass; it reports
        # invalid objects in their status instead.
        "createClusterScopedResources": False,
        "webhook": {"enabled": False},
        "config": {"validateStorageClass": False},
        "telemetry": {"disabled": True},
        "priorityClassName": TOOLING,
        "nodeSelector": {labels.ENVIRONMENT: environment},
        "resources": {"requests": RESOURCES, "limits": LIMITS},
        "podSecurityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    }
