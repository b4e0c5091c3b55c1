"""Pods and Services as the API server returns them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kube.client import KubernetesObject
from rehearsal import demo_images
from rehearsal.demo_images import Fault

NOW = 1_800_000_000.0
"""A full second."""


def pod(
    name: str = "api-blue-1",
    *,
    uid: str = "",
    namespace: str = "dev",
    slot: str = "blue",
    address: str | None = "127.0.0.1",
    port: int = 8099,
    version: str = "v1",
    fault: Fault | None = None,
    state: str = "running",
    sleep: int = 10,
    grace: int = 45,
    deleted: float | None = None,
) -> KubernetesObject:
    """A pod of the service api; `deleted` is when somebody asked for its end."""
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": namespace,
        "uid": uid or f"uid-of-{name}",
        "labels": {"environment": namespace, "app.kubernetes.io/name": "api", "slot": slot},
    }
    if deleted is not None:
        metadata["deletionTimestamp"] = datetime.fromtimestamp(deleted + grace, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        metadata["deletionGracePeriodSeconds"] = grace
    container: dict[str, Any] = {
        "name": "api",
        "image": f"registry.example.com/api@{demo_images.digest(version, fault)}",
        "ports": [{"name": "http", "containerPort": port}, {"name": "dns", "containerPort": 53, "protocol": "UDP"}],
        "readinessProbe": {"httpGet": {"path": "/api/healthcheck", "port": "http"}},
        "lifecycle": {"preStop": {"sleep": {"seconds": sleep}}},
    }
    status: dict[str, Any] = {
        "containerStatuses": [{"name": "api", "state": {state: {}}}],
    }
    if address:
        status["podIP"] = address
    return {"metadata": metadata, "spec": {"containers": [container]}, "status": status}


def service(
    name: str = "api", *, namespace: str = "dev", slot: str = "blue", address: str = "172.20.0.7"
) -> KubernetesObject:
    """A Service that selects a slot of the service api."""
    spec = {"clusterIP": address, "selector": {"app.kubernetes.io/name": "api", "slot": slot}}
    return {"metadata": {"name": name, "namespace": namespace}, "spec": spec}
