"""Specs of ECK's custom resources `Elasticsearch` and `Kibana`. Pure.

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
from contract import labels
from contract.quantities import cpu_millis

CPU_LIMIT_FACTOR = 4
"""Elasticsearch's CPU limit as a multiple of its request, for merges."""

EPHEMERAL_STORAGE = "4Gi"
"""Limit of an Elasticsearch pod, whose logs of garbage collections alone grow to 2 GiB.

https://www.elastic.co/docs/reference/elasticsearch/jvm-settings (`GC logging`)
"""

KIBANA_RESOURCES = {
    "requests": {"cpu": "200m", "memory": "2Gi", "ephemeral-storage": "256Mi"},
    "limits": {"cpu": "2", "memory": "2Gi", "ephemeral-storage": "1Gi"},
}
"""The memory is the operator's default: with 1 GiB, Kibana 9 is killed while its plugins start.

https://github.com/elastic/cloud-on-k8s/blob/v3.5.0/pkg/controller/kibana/pod.go
"""

KEY = "ENCRYPTION_KEY"
KEY_SETTINGS = (
    "xpack.security.encryptionKey",
    "xpack.encryptedSavedObjects.encryptionKey",
    "xpack.reporting.encryptionKey",
)
"""Kibana's settings for encryption keys. With a fixed key, sessions and encrypted objects outlive a new Kibana."""

POD_SECURITY_CONTEXT = {
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "runAsGroup": 1000,
    "fsGroup": 1000,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""With the user id of Elastic's images."""


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
    """The spec of `Elasticsearch`: by default, each node has all roles, and its heap is half of its memory.

    The operator adds a PodDisruptionBudget. Memory maps need a high `vm.max_map_count`, which AL2023 sets.

    Args:
        logs: Configuration of the logs.
        environment: Environment on whose nodes Elasticsearch runs.
        priority_class: Name of the tools' PriorityClass.
        storage_class: StorageClass of the volumes.
        roles: Names of the Secrets with roles.
        users: Names of the Secrets with users.
        identity: Additions to the pods, by which they act as an IAM role.
    """
    nodes = {
        "name": "default",
        "count": logs.nodes,
        # The operator spreads the pods over zones, and Elasticsearch the replicas of each shard.
        **({"zoneAwareness": {}} if logs.zone_awareness else {}),
        "config": {
            # No downloads of GeoIP databases; no machine learning.
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
    """The spec of `Kibana`, which serves HTTPS with the operator's certificate.

    Args:
        environment: Environment on whose nodes Kibana runs.
        priority_class: Name of the tools' PriorityClass.
        host: Kibana's host name.
        keys: Name of the Secret with the encryption key.
    """
    key = {"name": KEY, "valueFrom": {"secretKeyRef": {"name": keys, "key": KEY}}}
    return {
        "version": versions.ELASTIC,
        "count": 1,
        "elasticsearchRef": {"name": ELASTICSEARCH},
        # The load balancer's targets are nodes: decision 0003.
        "http": {"service": {"spec": {"type": "NodePort"}}},
        "config": {
            # By an environment variable: for `secureSettings`, the operator adds a container that Pod Security refuses.
            **dict.fromkeys(KEY_SETTINGS, f"${{{KEY}}}"),
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
    memory = {"memory": logs.memory}
    return {
        "requests": {**memory, "cpu": _cpu(cpu_millis(logs.cpu)), "ephemeral-storage": "256Mi"},
        "limits": {
            **memory,
            "cpu": _cpu(CPU_LIMIT_FACTOR * cpu_millis(logs.cpu)),
            "ephemeral-storage": EPHEMERAL_STORAGE,
        },
    }


def _cpu(millis: int) -> str:
    """A quantity in Kubernetes' canonical form, to which the operator rewrites the object: a refresh shows no diff."""
    return str(millis // 1000) if millis % 1000 == 0 else f"{millis}m"


def _pods(
    environment: str,
    priority_class: pulumi.Input[str],
    container: Mapping[str, object],
    pod_spec: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    return {
        "spec": {
            **(pod_spec or {}),
            # No affinity: where none is given, the operator sets an anti-affinity between Elasticsearch's pods.
            "nodeSelector": {labels.ENVIRONMENT: environment},
            "priorityClassName": priority_class,
            "automountServiceAccountToken": False,
            "securityContext": POD_SECURITY_CONTEXT,
            "containers": [dict(container)],
        }
    }
