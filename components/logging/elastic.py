"""Specs of the objects that the operator makes Elasticsearch and Kibana of.

https://www.elastic.co/docs/reference/cloud-on-k8s/api-reference
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

import config
import versions
from components.logging.names import ELASTICSEARCH
from components.logging.snapshots import Identity
from config.quantities import cpu_millis
from contract import labels

LIMIT_OF_CPU = 4
"""How much more CPU than it requests Elasticsearch may use: while it merges."""

KIBANA_RESOURCES = {
    "requests": {"cpu": "200m", "memory": "1Gi", "ephemeral-storage": "256Mi"},
    "limits": {"cpu": "2", "memory": "1Gi", "ephemeral-storage": "1Gi"},
}

KEY = "ENCRYPTION_KEY"
ENCRYPTED_WITH = (
    "xpack.security.encryptionKey",
    "xpack.encryptedSavedObjects.encryptionKey",
    "xpack.reporting.encryptionKey",
)
"""Sessions, and what is saved encrypted: readable after Kibana is made anew."""

CONFINED = {
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "runAsGroup": 1000,
    "fsGroup": 1000,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""The user of Elastic's images."""


def elasticsearch(
    logs: config.Logs,
    *,
    environment: str,
    priority_class: pulumi.Input[str],
    storage_class: str,
    roles: Sequence[pulumi.Input[str]],
    users: Sequence[pulumi.Input[str]],
    identity: Identity,
) -> dict[str, Any]:
    """Elasticsearch: every pod is master and data, and its heap half of its memory, as its defaults are.

    The operator adds a PodDisruptionBudget. Memory maps need `vm.max_map_count`, which AL2023 has high enough.

    Args:
        logs: The stack's settings of its logs.
        environment: On whose nodes it runs.
        priority_class: Name of the tools' PriorityClass.
        storage_class: Of its volumes.
        roles: Names of Secrets with roles.
        users: Names of Secrets with users.
        identity: What its pods and their container have besides, so that they act in AWS.
    """
    nodes = {
        "name": "default",
        "count": logs.nodes,
        # The operator spreads the pods over zones, and copies of data with them.
        **({"zoneAwareness": {}} if logs.zone_awareness else {}),
        "config": {
            # Of what it does not need here, none is tried over the network.
            "ingest.geoip.downloader.enabled": False,
            "xpack.ml.enabled": False,
        },
        "podTemplate": _pods(
            environment,
            priority_class,
            {"name": "elasticsearch", "resources": _resources(logs), **identity.container},
            identity.pod,
        ),
        "volumeClaimTemplates": [
            {
                "metadata": {"name": "elasticsearch-data"},
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "storageClassName": storage_class,
                    "resources": {"requests": {"storage": f"{logs.storage_gib}Gi"}},
                },
            }
        ],
    }
    return {
        "version": versions.ELASTIC,
        "auth": {
            "roles": [{"secretName": name} for name in roles],
            "fileRealm": [{"secretName": name} for name in users],
        },
        "volumeClaimDeletePolicy": "DeleteOnScaledownAndClusterDeletion",
        "nodeSets": [nodes],
    }


def kibana(
    *, environment: str, priority_class: pulumi.Input[str], host: str, keys: pulumi.Input[str]
) -> dict[str, Any]:
    """Kibana, behind TLS of the operator's.

    Args:
        environment: On whose nodes it runs.
        priority_class: Name of the tools' PriorityClass.
        host: The host name that staff reach it by.
        keys: Name of the Secret that sessions and saved secrets are encrypted with.
    """
    key = {"name": KEY, "valueFrom": {"secretKeyRef": {"name": keys, "key": KEY}}}
    return {
        "version": versions.ELASTIC,
        "count": 1,
        "elasticsearchRef": {"name": ELASTICSEARCH},
        # The load balancer's targets are nodes: decision 0003.
        "http": {"service": {"spec": {"type": "NodePort"}}},
        "config": {
            # By a variable: for `secureSettings` the operator adds a container that Pod Security refuses.
            **dict.fromkeys(ENCRYPTED_WITH, f"${{{KEY}}}"),
            "server.publicBaseUrl": f"https://{host}",
            "telemetry.optIn": False,
            "xpack.security.session.idleTimeout": "8h",
            "xpack.security.session.lifespan": "7d",
        },
        "podTemplate": _pods(
            environment, priority_class, {"name": "kibana", "resources": KIBANA_RESOURCES, "env": [key]}
        ),
    }


def _resources(logs: config.Logs) -> dict[str, dict[str, str]]:
    own = {"memory": logs.memory}
    return {
        "requests": {**own, "cpu": _cpu(cpu_millis(logs.cpu)), "ephemeral-storage": "256Mi"},
        "limits": {**own, "cpu": _cpu(LIMIT_OF_CPU * cpu_millis(logs.cpu)), "ephemeral-storage": "2Gi"},
    }


def _cpu(millis: int) -> str:
    """As Kubernetes writes it: the operator writes the whole object anew, and a refresh would find another text."""
    return str(millis // 1000) if millis % 1000 == 0 else f"{millis}m"


def _pods(
    environment: str,
    priority_class: pulumi.Input[str],
    container: Mapping[str, object],
    of_pod: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    return {
        "spec": {
            **(of_pod or {}),
            # No affinity: without one, the operator keeps pods of Elasticsearch off one another's nodes.
            "nodeSelector": {labels.ENVIRONMENT: environment},
            "priorityClassName": priority_class,
            "automountServiceAccountToken": False,
            "securityContext": CONFINED,
            "containers": [dict(container)],
        }
    }
