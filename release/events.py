"""Kubernetes Events of releases, on the active Service: `kubectl describe service` shows them."""

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
    """Writes an Event. A failure is not raised: it is no reason to end a release.

    Args:
        api: The API server.
        environment: The namespace.
        service: The Service that the Event is about.
        uid: UID of that Service, by which `kubectl describe` finds its Events.
        reason: One word in CamelCase.
        message: A sentence; cut to 1024 characters.
        now: The time of the Event.
        kind: Type of the Event.

    Returns:
        Whether the Event was written.
    """
    timestamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
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
                "message": message[:1024],  # the API server's limit
                "type": kind,
                "count": 1,
                "firstTimestamp": timestamp,
                "lastTimestamp": timestamp,
                "source": {"component": RELEASE_MANAGER},
                "reportingComponent": RELEASE_MANAGER,
                "reportingInstance": "",
            }
        )
    except KubernetesApiError:
        return False
    return True
