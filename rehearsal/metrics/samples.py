"""Takes a sample of a cluster, where its API of metrics is installed."""

from __future__ import annotations

from datetime import UTC, datetime

from rehearsal.metrics import NAME
from rehearsal.metrics.definitions import definitions
from rehearsal.metrics.load import Load
from rehearsal.metrics.usage import node_metrics, pod_metrics
from release.kubernetes_api import KubernetesApi


def take(api: KubernetesApi, load: Load) -> int:
    """Writes what every running pod and every node uses now.

    Returns:
        How many objects were written; 0 where the API is not installed.

    Raises:
        KubernetesApiError: The API server does not answer, or refuses one.
    """
    if not all(api.get(one["apiVersion"], one["kind"], one["metadata"]["name"]) for one in definitions()):
        return 0
    now = datetime.now(UTC)
    pods = api.list("v1", "Pod")
    of_pods = pod_metrics(pods, api.list("v1", "Service"), load, now)
    taken = [*of_pods, *node_metrics(api.list("v1", "Node"), pods, of_pods, now)]
    for one in taken:
        api.apply(one, field_manager=NAME, force=True)
    return len(taken)
