"""The Kubernetes nodes of a managed node group, in the local API server."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from kube.client import KubernetesApi, KubernetesApiError, KubernetesObject
from rehearsal.emulators.aws import instances
from rehearsal.emulators.aws.errors import AwsError
from rehearsal.emulators.aws.local_cluster import answering
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.nodes import NodeGroupSpec, node

GROUP_LABEL = "eks.amazonaws.com/nodegroup"
SECONDS_TO_BE_READY = 120.0
SECONDS_TO_BE_GONE = 60.0
SECONDS_TO_BE_EMPTY = 180.0
SECONDS_BETWEEN_LOOKS = 0.2

TOO_MANY_REQUESTS = 429
"""HTTP status of an eviction that a PodDisruptionBudget does not allow now."""


def converge(layout: Layout, group: NodeGroupSpec) -> None:
    """Creates, updates and removes nodes to match the group, and waits until they are ready.

    New nodes are ready before old ones are removed. As on EKS, an update to a new version of the launch template evicts
    the old nodes' pods within their PodDisruptionBudgets; a smaller desired size deletes them regardless of budgets.
    https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html
    https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html

    Raises:
        AwsError: Pods cannot be evicted from the old nodes, or EC2 refuses a request.
        RehearsalError: An API does not respond, the API server refuses a node, or nodes do not become ready.
    """
    with answering(layout, f"node group {group.name}") as api:
        ours = instances.ensure(layout, group)
        wanted = {one.name: node(group, one) for one in ours}
        there = {str(one["metadata"]["name"]): one for one in _nodes_of(api, group.name)}
        for name, registered in wanted.items():
            if name not in there:
                api.create(registered)
            elif change := changes(there[name], registered):
                api.json_patch("v1", "Node", name, change)
        _wait(
            lambda: set(wanted) <= _ready(_nodes_of(api, group.name)),
            SECONDS_TO_BE_READY,
            f"the {len(wanted)} node(s) of node group {group.name} did not become ready in time",
            layout,
        )
        leaving = sorted(there.keys() - wanted.keys())
        for name in leaving:
            api.json_patch("v1", "Node", name, [{"op": "add", "path": "/spec/unschedulable", "value": True}])
        for name in leaving:
            if wanted.keys() & there.keys():
                _end_pods(api, name)
            else:
                _evict_pods(api, name, group.name)
            _delete_node(api, name)
    instances.terminate(layout, group.region, group.cluster, group.name, but={one.id for one in ours})


def dissolve(layout: Layout, group_name: str) -> None:
    """Deletes the group's nodes with their pods, and waits until they are gone. Does nothing without a control plane.

    Raises:
        RehearsalError: The API server does not respond, or nodes are left after `SECONDS_TO_BE_GONE`.
    """
    if not layout.kubeconfig.exists():
        return
    with answering(layout, f"node group {group_name}") as api:
        for node in _nodes_of(api, group_name):
            _delete_node(api, str(node["metadata"]["name"]))
        _wait(
            lambda: not _nodes_of(api, group_name),
            SECONDS_TO_BE_GONE,
            f"the nodes of node group {group_name} did not go in time",
            layout,
        )


def changes(current: KubernetesObject, wanted: KubernetesObject) -> list[dict[str, Any]]:
    """The JSON Patch from a node's labels and taints to its group's; those of Kubernetes are kept."""
    now: dict[str, str] = current["metadata"].get("labels", {})
    labels = {**{key: value for key, value in now.items() if _is_kubernetes(key)}, **wanted["metadata"]["labels"]}
    had: list[dict[str, Any]] = current["spec"].get("taints", [])
    taints = [
        *[taint for taint in had if _is_kubernetes(taint["key"])],
        *wanted["spec"].get("taints", []),
    ]
    patch: list[dict[str, Any]] = []
    if labels != now:
        patch.append({"op": "add", "path": "/metadata/labels", "value": labels})
    if taints != had:
        patch.append({"op": "add", "path": "/spec/taints", "value": taints})
    return patch


def _is_kubernetes(key: str) -> bool:
    """Whether the key of a label or taint has a prefix that is reserved for Kubernetes."""
    domain = key.partition("/")[0] if "/" in key else ""
    return domain.endswith(("kubernetes.io", "k8s.io"))


def _nodes_of(api: KubernetesApi, group_name: str) -> list[KubernetesObject]:
    return api.list("v1", "Node", label_selector=f"{GROUP_LABEL}={group_name}")


def _delete_node(api: KubernetesApi, node: str) -> None:
    """Deletes a node and, as no kubelet is left to do so, its pods."""
    api.delete("v1", "Node", node)
    for pod in _pods_on(api, node):
        _end(api, pod)


def _end_pods(api: KubernetesApi, node: str) -> None:
    for pod in _pods_on(api, node):
        if not _is_daemon(pod):
            _end(api, pod)


def _evict_pods(api: KubernetesApi, node: str, group_name: str) -> None:
    end = time.monotonic() + SECONDS_TO_BE_EMPTY
    while pods := [pod for pod in _pods_on(api, node) if not _is_daemon(pod)]:
        for pod in pods:
            try:
                api.evict(pod["metadata"]["name"], pod["metadata"]["namespace"])
            except KubernetesApiError as error:
                if error.status != TOO_MANY_REQUESTS:
                    raise
        if time.monotonic() > end:
            names = ", ".join(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}" for pod in pods)
            raise AwsError(
                "PodEvictionFailure",
                f"Reached max retries while trying to evict pods from nodes in node group {group_name}: {names}",
            )
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _pods_on(api: KubernetesApi, node: str) -> list[KubernetesObject]:
    return [pod for pod in api.list("v1", "Pod") if pod["spec"].get("nodeName") == node]


def _is_daemon(pod: KubernetesObject) -> bool:
    return any(owner["kind"] == "DaemonSet" for owner in pod["metadata"].get("ownerReferences", []))


def _end(api: KubernetesApi, pod: KubernetesObject) -> None:
    api.delete("v1", "Pod", pod["metadata"]["name"], pod["metadata"]["namespace"], grace_seconds=0)


def _ready(there: list[KubernetesObject]) -> set[str]:
    return {
        str(node["metadata"]["name"])
        for node in there
        if any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in node.get("status", {}).get("conditions", [])
        )
    }


def _wait(done: Callable[[], bool], seconds: float, problem: str, layout: Layout) -> None:
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise RehearsalError(
                f"{problem} ({seconds:.0f} s)",
                remedy=f"See what KWOK says in {layout.logs}, then run the command again.",
            )
        time.sleep(SECONDS_BETWEEN_LOOKS)
