"""What pods and nodes would use: pure functions from what stands in the cluster."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from kubernetes.utils.quantity import (  # pyright: ignore[reportMissingTypeStubs]
    parse_quantity,  # pyright: ignore[reportUnknownVariableType]
)

from components import labels
from rehearsal.metrics.definitions import GROUP, NODE_METRICS, POD_METRICS, VERSION
from rehearsal.metrics.load import Load
from release.kubernetes_api import KubernetesObject

IDLE_PERCENT = 1
"""Of its CPU request that a pod uses which nobody calls. Every pod uses half of its memory request."""

WINDOW_SECONDS = 10
"""What a sample covers. An autoscaler counts a new pod's samples from that long after its readiness."""


def pod_metrics(
    pods: Sequence[KubernetesObject], services: Sequence[KubernetesObject], load: Load, now: datetime
) -> list[KubernetesObject]:
    """The `PodMetrics` of all pods that run. A service's load is on the pods that its active Service leads to.

    Args:
        pods: All pods.
        services: All Services.
        load: How busy services are.
        now: When the sample is taken.
    """
    selectors = {_key(service["metadata"]): service["spec"].get("selector") for service in services}
    running = [pod for pod in pods if pod.get("status", {}).get("phase") == "Running"]
    return [
        _sample(POD_METRICS, pod, now, containers=_containers(pod, _percent(pod, selectors, load))) for pod in running
    ]


def node_metrics(
    nodes: Sequence[KubernetesObject],
    pods: Sequence[KubernetesObject],
    of_pods: Sequence[KubernetesObject],
    now: datetime,
) -> list[KubernetesObject]:
    """The `NodeMetrics` of all nodes: what their pods use.

    Args:
        nodes: All nodes.
        pods: All pods.
        of_pods: What pods use, from `pod_metrics`.
        now: When the sample is taken.
    """
    node_of = {_key(pod["metadata"]): str(pod["spec"].get("nodeName")) for pod in pods}
    used: dict[str, list[dict[str, str]]] = {}
    for one in of_pods:
        on = used.setdefault(node_of[_key(one["metadata"])], [])
        on.extend(container["usage"] for container in one["containers"])
    return [_sample(NODE_METRICS, node, now, usage=_sum(used.get(node["metadata"]["name"], []))) for node in nodes]


def _percent(pod: KubernetesObject, selectors: dict[tuple[str, str], Any], load: Load) -> float:
    mine: dict[str, str] = pod["metadata"].get("labels") or {}
    namespace, service = pod["metadata"]["namespace"], mine.get(labels.SERVICE, "")
    selector: dict[str, str] = selectors.get((namespace, service)) or {}
    is_live = bool(selector) and selector.items() <= mine.items()
    return load.get(f"{namespace}/{service}", IDLE_PERCENT) if is_live else IDLE_PERCENT


def _containers(pod: KubernetesObject, percent: float) -> list[dict[str, Any]]:
    return [
        {"name": container["name"], "usage": _used_of(container.get("resources", {}).get("requests") or {}, percent)}
        for container in pod["spec"]["containers"]
    ]


def _used_of(requests: dict[str, str], percent: float) -> dict[str, str]:
    cpu = _number(requests.get("cpu", "0")) * Decimal(percent) / 100
    return _usage(cpu, _number(requests.get("memory", "0")) / 2)


def _sum(usages: Sequence[dict[str, str]]) -> dict[str, str]:
    return _usage(*(sum((_number(usage[name]) for usage in usages), Decimal(0)) for name in ("cpu", "memory")))


def _usage(cpu: Decimal, memory: Decimal) -> dict[str, str]:
    """Quantities as metrics-server gives them."""
    return {"cpu": f"{round(cpu * 1_000_000_000)}n", "memory": f"{round(memory / 1024)}Ki"}


def _number(quantity: str) -> Decimal:
    return parse_quantity(quantity)


def _sample(kind: str, of: KubernetesObject, now: datetime, **content: Any) -> KubernetesObject:
    """A sample that is named and labelled as what it is of, and goes with it."""
    metadata: dict[str, Any] = of["metadata"]
    owner = {"apiVersion": "v1", "kind": of["kind"], "name": metadata["name"], "uid": metadata["uid"]}
    same = {key: metadata[key] for key in ("name", "namespace", "labels") if metadata.get(key)}
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": kind,
        "metadata": {**same, "ownerReferences": [owner]},
        "timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "window": f"{WINDOW_SECONDS}s",
        **content,
    }


def _key(metadata: dict[str, Any]) -> tuple[str, str]:
    return str(metadata["namespace"]), str(metadata["name"])
