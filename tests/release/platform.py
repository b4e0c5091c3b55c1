"""Services as the Pulumi program creates them, and the release tool in this process."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from contract import labels
from contract.blue_green import (
    BLUE,
    CANARY,
    FORWARD_ACTION,
    GREEN,
    PORT_NAME,
    SENTINEL_DIGEST,
    SERVICE_PORT,
    SLOTS,
    forward_action,
    lock_name,
)
from kube.client import KubernetesApi, KubernetesObject
from rehearsal import demo_images
from rehearsal.demo_images import Fault
from rehearsal.nodes import metrics_path
from release import lock
from release.clock import SystemClock
from release.goals import Goal
from release.lock import Holder
from release.objects import ObjectApi
from release.observe import observe
from release.run import Context, Limits, Result, reconcile
from release.state import ServiceState
from tests.release.web import Web

QUICK = Limits(ready=20, patience=0.5, endpoints=10, gone=20, watch=0.3, settle=0, rules=0, warm=600, lock=15, lease=2)

PORT = 8099
"""Port of each Service and pod; not HTTP's default, so that a client that ignores it fails."""

_numbers = itertools.count(1)


def node(pods: int = 1000) -> KubernetesObject:
    """A node with room for all pods."""
    labels = {"kubernetes.io/arch": "amd64", "kubernetes.io/hostname": "large", "kubernetes.io/os": "linux"}
    addresses = [{"type": "InternalIP", "address": "10.0.0.5"}, {"type": "Hostname", "address": "large"}]
    room = {"cpu": "500", "memory": "2000Gi", "pods": str(pods), "ephemeral-storage": "1000Gi"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "large", "labels": labels, "annotations": metrics_path("large")},
        "status": {"capacity": room, "allocatable": room, "addresses": addresses},
    }


def namespace(name: str) -> KubernetesObject:
    """The namespace of an environment."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def repository(service: str) -> str:
    """The service's repository."""
    return f"registry.example.com/hello/{service}"


def image(service: str, fault: Fault | None = None) -> str:
    """A new image."""
    return f"{repository(service)}@{demo_images.digest(f'v{next(_numbers)}', fault)}"


def objects(
    environment: str,
    service: str,
    *,
    minimum: int = 2,
    maximum: int = 4,
    annotations: dict[str, str] | None = None,
    configuration: str | None = None,
    path: str = "/health",
    start_seconds: int = 180,
    canary: tuple[int, ...] = (),
) -> list[KubernetesObject]:
    """The objects of a service in an environment."""

    def metadata(name: str, **extra: Any) -> dict[str, Any]:
        own_labels = {labels.ENVIRONMENT: environment, labels.SERVICE: service}
        return {"name": name, "namespace": environment, "labels": own_labels, **extra}

    def template(**slot: str) -> dict[str, Any]:
        container: dict[str, Any] = {
            "name": service,
            "image": f"{repository(service)}@{SENTINEL_DIGEST}",
            "ports": [{"name": PORT_NAME, "containerPort": PORT}],
            "readinessProbe": {"httpGet": {"path": path, "port": PORT_NAME}},
            "startupProbe": {
                "httpGet": {"path": path, "port": PORT_NAME},
                "periodSeconds": 1,
                "failureThreshold": start_seconds,
            },
            "resources": {"requests": {"cpu": "100m", "memory": "16Mi"}},
        }
        if configuration:
            container["envFrom"] = [{"configMapRef": {"name": configuration}}]
        own_labels = {labels.ENVIRONMENT: environment, labels.SERVICE: service, **slot}
        return {
            "metadata": {"labels": own_labels},
            "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
        }

    def service_object(name: str, slot: str) -> KubernetesObject:
        spec = {
            "selector": {labels.SERVICE: service, labels.SLOT: slot},
            "ports": [{"name": PORT_NAME, "port": SERVICE_PORT, "targetPort": PORT_NAME}],
        }
        return {"apiVersion": "v1", "kind": "Service", "metadata": metadata(name), "spec": spec}

    def deployment(slot: str) -> KubernetesObject:
        selector = {labels.SERVICE: service, labels.SLOT: slot}
        spec = {"replicas": 0, "selector": {"matchLabels": selector}, "template": template(**{labels.SLOT: slot})}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(f"{service}-{slot}"), "spec": spec}

    autoscaler = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": f"{service}-{BLUE}"},
        "minReplicas": minimum,
        "maxReplicas": maximum,
    }
    ingress = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata(service, annotations={f"{FORWARD_ACTION}{service}": forward_action(service)}),
        "spec": {"defaultBackend": {"service": {"name": service, "port": {"name": "use-annotation"}}}},
    }
    settings = {CANARY: json.dumps({"steps": canary, "secondsPerStep": 1})} if canary else {}
    return [
        {
            "apiVersion": "v1",
            "kind": "PodTemplate",
            "metadata": metadata(service, annotations={**(annotations or {}), **settings}),
            "template": template(),
        },
        *([ingress] if canary else []),
        *(deployment(slot) for slot in SLOTS),
        service_object(service, BLUE),
        service_object(f"{service}-preview", GREEN),
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": metadata(service),
            "spec": autoscaler,
        },
    ]


def configure(api: KubernetesApi, environment: str, service: str, name: str) -> None:
    """Creates a ConfigMap and the Secret that it owns, as the program does."""
    metadata = {"name": name, "namespace": environment, "labels": {labels.SERVICE: service}}
    config_map = api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": config_map["metadata"]["uid"]}
    api.create({"apiVersion": "v1", "kind": "Secret", "metadata": {**metadata, "ownerReferences": [owner]}})


@dataclass
class Platform:
    """A control plane with two environments.

    Attributes:
        api: The API server, as an administrator.
        kubeconfig: The administrator's kubeconfig.
        web: The server that answers for the services.
        lines: The tool's progress.
    """

    api: KubernetesApi
    kubeconfig: Path
    web: Web
    lines: list[str] = field(default_factory=list[str])

    def add(self, environment: str, service: str, **options: Any) -> None:
        """Creates a service as `pulumi up` would."""
        for body in objects(environment, service, **options):
            self.api.apply(body, field_manager="pulumi", force=False)

    def run(
        self,
        environment: str,
        service: str,
        goal: Goal,
        *,
        api: ObjectApi | None = None,
        limits: Limits = QUICK,
        **changes: Any,
    ) -> Result:
        """Runs the tool in this process."""
        context = Context(
            api=api or self.api,
            caller=self.web,
            clock=SystemClock(),
            report=self.lines.append,
            by="tester",
            limits=limits,
        )
        return reconcile(replace(context, **changes), environment, service, goal)

    def seen(self, environment: str, service: str) -> ServiceState:
        """The state of a service."""
        return observe(self.api, environment, service, now=SystemClock().now())

    def holder(self, service: str) -> Holder | None:
        """The holder of a service's lock on dev."""
        return lock.holder(self.api.get("coordination.k8s.io/v1", "Lease", lock_name(service), "dev"))

    def events(self, environment: str, service: str) -> list[str]:
        """The reasons of the Events on a service's active Service, in their order."""
        events = [
            event
            for event in self.api.list("v1", "Event", namespace=environment)
            if event["involvedObject"] == {**event["involvedObject"], "kind": "Service", "name": service}
        ]
        events.sort(key=lambda event: int(event["metadata"]["resourceVersion"]))
        return [str(event["reason"]) for event in events]
