"""Kubernetes objects of the emulators in the local API server: apply, wait, delete."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from kube.client import KubernetesApi, KubernetesObject
from rehearsal.errors import RehearsalError

MARK = "rehearsal/stand-in-for"
"""Label of emulated objects and their pods; its value names what they emulate."""

KINDS = (
    ("apiregistration.k8s.io/v1", "APIService"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "StatefulSet"),
    ("policy/v1", "PodDisruptionBudget"),
    ("v1", "Service"),
    ("v1", "ConfigMap"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("v1", "ServiceAccount"),
    ("storage.k8s.io/v1", "CSIDriver"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
)
"""Kinds of the emulators' objects, in the order of their deletion."""

DEFINITION = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")

SECONDS_BETWEEN_LOOKS = 0.2
SECONDS_TO_SERVE = 30.0


def marked(obj: KubernetesObject, stands_in_for: str) -> KubernetesObject:
    """A copy of an object, labelled with `MARK` itself and in its pod template."""
    metadata: dict[str, Any] = obj.get("metadata", {})
    result = {**obj, "metadata": {**metadata, "labels": {**metadata.get("labels", {}), MARK: stands_in_for}}}
    if template := obj.get("spec", {}).get("template"):
        result["spec"] = {**obj["spec"], "template": marked(template, stands_in_for)}
    return result


def bring(api: KubernetesApi, stands_in_for: str, objects: Sequence[KubernetesObject], *, manager: str) -> None:
    """Applies objects, and deletes all others with this value of `MARK`; an empty list deletes all.

    Raises:
        KubernetesApiError: The API server refuses an object.
    """
    wanted = {_key(obj) for obj in objects}
    for api_version, kind in KINDS:
        for obj in api.list(api_version, kind, label_selector=f"{MARK}={stands_in_for}"):
            if _key(obj) not in wanted:
                api.delete(api_version, kind, obj["metadata"]["name"], obj["metadata"].get("namespace"))
    for obj in objects:
        api.apply(obj, field_manager=manager, force=True)


def define(api: KubernetesApi, definitions: Sequence[KubernetesObject], *, manager: str) -> None:
    """Creates missing CustomResourceDefinitions, and waits until the API server serves all of them.

    Raises:
        KubernetesApiError: The API server refuses one.
        RehearsalError: One is not served within `SECONDS_TO_SERVE`.
    """
    names = [str(definition["metadata"]["name"]) for definition in definitions]
    for name, definition in zip(names, definitions, strict=True):
        if api.get(*DEFINITION, name) is None:
            api.apply(definition, field_manager=manager)
    end = time.monotonic() + SECONDS_TO_SERVE
    while waiting := [name for name in names if not _is_served(api, name)]:
        if time.monotonic() > end:
            raise RehearsalError(
                f"the API server does not serve {', '.join(waiting)}",
                remedy="See its conditions with `kubectl describe crd`, then run the command again.",
            )
        time.sleep(SECONDS_BETWEEN_LOOKS)


def waits_for(api: KubernetesApi, objects: Sequence[KubernetesObject], seconds: float) -> list[str]:
    """Waits until all workloads have their ready pods, and all CustomResourceDefinitions are served.

    Args:
        api: The API server.
        objects: The applied objects.
        seconds: Timeout.

    Returns:
        A line for each object that is not ready after the timeout.
    """
    end = time.monotonic() + seconds
    while missing := [line for obj in objects for line in _missing(api, obj)]:
        if time.monotonic() > end:
            return missing
        time.sleep(SECONDS_BETWEEN_LOOKS)
    return []


def _is_served(api: KubernetesApi, definition: str) -> bool:
    status: dict[str, Any] = (api.get(*DEFINITION, definition) or {}).get("status", {})
    return any(one["type"] == "Established" and one["status"] == "True" for one in status.get("conditions") or ())


def _missing(api: KubernetesApi, wanted: KubernetesObject) -> list[str]:
    kind, name, namespace = wanted["kind"], wanted["metadata"]["name"], wanted["metadata"].get("namespace")
    if kind == "CustomResourceDefinition":
        return [] if _is_served(api, name) else [f"{kind} {name}: the API server does not serve it yet"]
    if kind not in ("Deployment", "DaemonSet", "StatefulSet"):
        return []
    live = api.get(wanted["apiVersion"], kind, name, namespace) or {"metadata": {}, "spec": {}}
    status: dict[str, Any] = live.get("status", {})
    seen = status.get("observedGeneration") == live["metadata"].get("generation")
    if kind in ("Deployment", "StatefulSet"):
        needed, ready = live["spec"].get("replicas", 0), status.get("availableReplicas", 0)
        updated = status.get("updatedReplicas", 0)
    else:
        needed, ready = status.get("desiredNumberScheduled", 0), status.get("numberReady", 0)
        updated = status.get("updatedNumberScheduled", 0)
    if seen and needed == ready == updated and status.get("replicas", needed) == needed:
        return []
    return [f"{kind} {namespace}/{name}: {ready} of {needed} pods are ready"]


def _key(obj: KubernetesObject) -> tuple[str, str | None, str]:
    return obj["kind"], obj["metadata"].get("namespace"), obj["metadata"]["name"]
