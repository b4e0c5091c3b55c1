"""Objects that stand in for programs that AWS or a Helm chart brings: their pods are placed, and hardly any runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from release.kubernetes_api import KubernetesObject

MARK = "rehearsal/stand-in-for"
"""Label on every object, and on every pod, that stands in for something; its value says for what."""

PLACEMENT = ("affinity", "nodeSelector", "priorityClassName", "tolerations", "topologySpreadConstraints")
"""What add-ons and charts let be said of where pods run, named as a pod's fields are."""

EVERYWHERE = [{"operator": "Exists"}]
"""Tolerates every taint, as the programs of each node do."""


def container(name: str, image: str, resources: Mapping[str, Any] | None = None) -> KubernetesObject:
    """A container of a pod."""
    return {"name": name, "image": image, **({"resources": dict(resources)} if resources else {})}


def requests(cpu: str, memory: str | None = None, *, most_memory: str | None = None) -> dict[str, Any]:
    """A container's resources."""
    return {
        "requests": {"cpu": cpu, **({"memory": memory} if memory else {})},
        **({"limits": {"memory": most_memory}} if most_memory else {}),
    }


def placed(defaults: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Where pods run: by default, and as the program says. What is said replaces a default whole, as in Helm's lists.

    Args:
        defaults: Fields of a pod.
        values: The configuration; only `PLACEMENT` of it counts.
    """
    said = {field: values[field] for field in PLACEMENT if values.get(field) is not None}
    return {**defaults, **said}


def pods(
    service_account: str,
    containers: Sequence[KubernetesObject],
    placement: Mapping[str, Any],
    *,
    host_network: bool = False,
) -> dict[str, Any]:
    """A pod's `spec`."""
    return {
        "serviceAccountName": service_account,
        "containers": list(containers),
        **({"hostNetwork": True} if host_network else {}),
        **{field: value for field, value in placement.items() if value},
    }


def deployment(
    name: str,
    namespace: str,
    labels: Mapping[str, str],
    spec: Mapping[str, Any],
    *,
    replicas: int,
    selector: Mapping[str, str],
    values: Mapping[str, Any],
) -> KubernetesObject:
    """A Deployment.

    Args:
        name: Its name.
        namespace: Its namespace.
        labels: Its labels, and its pods'.
        spec: Its pods' `spec`.
        replicas: How many there are.
        selector: Those of the labels that it selects by.
        values: The configuration: `podLabels` and `podAnnotations` of it count.
    """
    return {
        **_head("apps/v1", "Deployment", name, namespace, labels),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": dict(selector)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
            "template": _template(labels, spec, values),
        },
    }


def daemon_set(
    name: str,
    namespace: str,
    labels: Mapping[str, str],
    spec: Mapping[str, Any],
    *,
    selector: Mapping[str, str],
    values: Mapping[str, Any],
) -> KubernetesObject:
    """A DaemonSet; arguments as of `deployment`."""
    return {
        **_head("apps/v1", "DaemonSet", name, namespace, labels),
        "spec": {"selector": {"matchLabels": dict(selector)}, "template": _template(labels, spec, values)},
    }


def service_account(name: str, namespace: str, labels: Mapping[str, str]) -> KubernetesObject:
    """A service account, without rights of its own."""
    return _head("v1", "ServiceAccount", name, namespace, labels)


def budget(
    name: str, namespace: str, labels: Mapping[str, str], selector: Mapping[str, str], values: Mapping[str, Any]
) -> list[KubernetesObject]:
    """A PodDisruptionBudget of one pod unless `podDisruptionBudget` says otherwise; none where it says so."""
    said: Mapping[str, Any] = values.get("podDisruptionBudget") or {}
    if said.get("enabled") is False:
        return []
    bounds = {name: said[name] for name in ("maxUnavailable", "minAvailable") if said.get(name) is not None}
    spec = {**(bounds or {"maxUnavailable": 1}), "selector": {"matchLabels": dict(selector)}}
    return [{**_head("policy/v1", "PodDisruptionBudget", name, namespace, labels), "spec": spec}]


def marked(objects: Sequence[KubernetesObject], stands_in_for: str) -> list[KubernetesObject]:
    """The objects with the mark on them and on their pods."""
    return [_marked(obj, stands_in_for) for obj in objects]


def _marked(obj: KubernetesObject, stands_in_for: str) -> KubernetesObject:
    metadata: dict[str, Any] = obj.get("metadata", {})
    labels: dict[str, str] = {**metadata.get("labels", {}), MARK: stands_in_for}
    result = {**obj, "metadata": {**metadata, "labels": labels}}
    template = obj.get("spec", {}).get("template")
    return (
        result
        if template is None
        else {**result, "spec": {**obj["spec"], "template": _marked(template, stands_in_for)}}
    )


def _head(api_version: str, kind: str, name: str, namespace: str, labels: Mapping[str, str]) -> KubernetesObject:
    metadata = {"name": name, "namespace": namespace, "labels": dict(labels)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def _template(labels: Mapping[str, str], spec: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    annotations: Mapping[str, str] = values.get("podAnnotations") or {}
    metadata: dict[str, Any] = {"labels": {**labels, **(values.get("podLabels") or {})}}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {"metadata": metadata, "spec": dict(spec)}
