"""Kubernetes Events on a service's active Service: what `kubectl describe service` shows of its releases."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Literal

from contract.blue_green import RELEASE_MANAGER
from kube.client import KubernetesApiError
from release.objects import ObjectApi


def write(
    api: ObjectApi,
    environment: str,
    service: str,
    *,
    uid: str,
    reason: str,
    message: str,
    now: datetime,
    kind: Literal["Normal", "Warning"] = "Normal",
) -> bool:
    """Writes an Event; one that cannot be written is no reason to end a release.

    Args:
        api: The API server.
        environment: The namespace.
        service: The Service that it is about.
        uid: Of that Service: `kubectl describe` asks for Events by it.
        reason: One word in CamelCase.
        message: A sentence.
        now: When it happened.
        kind: Whether somebody should care.

    Returns:
        Whether it was written.
    """
    moment = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        api.create(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": f"{service}.{uuid.uuid4().hex[:16]}", "namespace": environment},
                "involvedObject": {
                    "apiVersion": "v1",
                    "kind": "Service",
                    "name": service,
                    "namespace": environment,
                    "uid": uid,
                },
                "reason": reason,
                "message": message[:1024],  # the API server takes no more
                "type": kind,
                "count": 1,
                "firstTimestamp": moment,
                "lastTimestamp": moment,
                "source": {"component": RELEASE_MANAGER},
                "reportingComponent": RELEASE_MANAGER,
                "reportingInstance": "",
            }
        )
    except KubernetesApiError:
        return False
    return True
