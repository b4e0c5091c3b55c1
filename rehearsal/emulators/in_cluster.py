"""Kubernetes objects of the emulators in the local API server: apply, wait, delete.

The functions raise `KubernetesApiError` if the API server refuses an object.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from kube.client import KubernetesApi, KubernetesObject, has_condition
from rehearsal.errors import RehearsalError

MARK = "rehearsal/stand-in-for"
"""Label of emulated objects and their pods; its value names what they emulate."""

KINDS = (
    ("apiregistration.k8s.io/v1", "APIService"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "DaemonSet"),
    ("policy/v1", "PodDisruptionBudget"),
    ("v1", "Service"),
    ("v1", "ConfigMap"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("v1", "ServiceAccount"),
    ("storage.k8s.io/v1", "CSIDriver"),
)
"""Kinds of the emulators' objects, in the order of their deletion."""

DEFINITION = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")

POLL_SECONDS = 0.2
SECONDS_TO_SERVE = 30.0


def marked(obj: KubernetesObject, mark: str) -> KubernetesObject:
    """A copy of an object, labelled with `MARK` itself and in its pod template."""
    metadata: dict[str, Any] = obj.get("metadata", {})
    result = {**obj, "metadata": {**metadata, "labels": {**metadata.get("labels", {}), MARK: mark}}}
    if template := obj.get("spec", {}).get("template"):
        result["spec"] = {**obj["spec"], "template": marked(template, mark)}
    return result


def bring(api: KubernetesApi, mark: str, objects: Sequence[KubernetesObject], *, manager: str) -> None:
    """Applies objects, and deletes all others with this value of `MARK`; an empty list deletes all."""
    applied = {_key(obj) for obj in objects}
    for api_version, kind in KINDS:
        for obj in api.list(api_version, kind, label_selector=f"{MARK}={mark}"):
            if _key(obj) not in applied:
                api.delete(api_version, kind, obj["metadata"]["name"], obj["metadata"].get("namespace"))
    for obj in objects:
        api.apply(obj, field_manager=manager, force=True)


def define(api: KubernetesApi, definitions: Sequence[KubernetesObject], *, manager: str) -> None:
    """Creates missing CustomResourceDefinitions, and waits for `SECONDS_TO_SERVE` at most until all are served."""
    names = [str(definition["metadata"]["name"]) for definition in definitions]
    for name, definition in zip(names, definitions, strict=True):
        if api.get(*DEFINITION, name) is None:
            api.apply(definition, field_manager=manager)
    end = time.monotonic() + SECONDS_TO_SERVE
    while missing := [name for name in names if not has_condition(api.get(*DEFINITION, name), "Established")]:
        if time.monotonic() > end:
            raise RehearsalError(
                f"the API server does not serve {', '.join(missing)}",
                remedy="See its conditions with `kubectl describe crd`, then run the command again.",
            )
        time.sleep(POLL_SECONDS)


def waits_for(api: KubernetesApi, objects: Sequence[KubernetesObject], seconds: float) -> list[str]:
    """Waits until all Deployments and DaemonSets have their ready pods; returns a line for each that has not."""
    end = time.monotonic() + seconds
    workloads = [obj for obj in objects if obj["kind"] in ("Deployment", "DaemonSet")]
    while unready := [line for workload in workloads if (line := _unready(api, workload))]:
        if time.monotonic() > end:
            return unready
        time.sleep(POLL_SECONDS)
    return []


def _unready(api: KubernetesApi, workload: KubernetesObject) -> str | None:
    kind, name, namespace = workload["kind"], workload["metadata"]["name"], workload["metadata"].get("namespace")
    live = api.get(workload["apiVersion"], kind, name, namespace) or {"metadata": {}, "spec": {}}
    status: dict[str, Any] = live.get("status", {})
    observed = status.get("observedGeneration") == live["metadata"].get("generation")
    if kind == "Deployment":
        needed, ready = live["spec"].get("replicas", 0), status.get("availableReplicas", 0)
        updated = status.get("updatedReplicas", 0)
    else:
        needed, ready = status.get("desiredNumberScheduled", 0), status.get("numberReady", 0)
        updated = status.get("updatedNumberScheduled", 0)
    if observed and needed == ready == updated == status.get("replicas", needed):
        return None
    return f"{kind} {namespace}/{name}: {ready} of {needed} pods are ready"


def _key(obj: KubernetesObject) -> tuple[str, str | None, str]:
    return obj["kind"], obj["metadata"].get("namespace"), obj["metadata"]["name"]
