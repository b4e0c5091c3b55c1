"""The status of the logging programs, from the API server's objects."""

from __future__ import annotations

from typing import Any, cast

from kube.client import KubernetesApi
from rehearsal import status
from rehearsal.status import WorkloadStatus

OUTPUTS = {"efk": {"namespace": "logging", "collector": {"namespace": "log-collector", "daemonSet": "fluentd"}}}


def workload(kind: str, namespace: str, name: str, state: dict[str, int], **spec: Any) -> dict[str, Any]:
    selector = {"matchLabels": {"app": name}}
    metadata = {"name": name, "namespace": namespace}
    return {"kind": kind, "metadata": metadata, "spec": {"selector": selector, **spec}, "status": state}


def pod(namespace: str, app: str, node: str | None) -> dict[str, Any]:
    metadata = {"name": app, "namespace": namespace, "labels": {"app": app, "more": "of them"}}
    return {"kind": "Pod", "metadata": metadata, "spec": {"nodeName": node} if node else {}}


OBJECTS = [
    workload("StatefulSet", "logging", "es", {"readyReplicas": 1}, replicas=3),
    workload("DaemonSet", "log-collector", "fluentd", {"numberReady": 2, "desiredNumberScheduled": 2}),
    workload("Deployment", "prod", "es", {"readyReplicas": 1}, replicas=1),
    pod("logging", "es", "a"),
    pod("logging", "es", None),
    pod("prod", "es", "not-this-one"),
    pod("log-collector", "fluentd", "b"),
    pod("log-collector", "fluentd", "a"),
]


class Api:
    """Has what is in `OBJECTS`."""

    def list(self, _version: str, kind: str, *, namespace: str | None = None) -> list[dict[str, Any]]:
        """Those of a kind."""
        return [one for one in OBJECTS if one["kind"] == kind and namespace in (None, one["metadata"]["namespace"])]


def test_each_program_of_the_logs_has_its_own_pods_and_their_nodes() -> None:
    assert status.logs(cast("KubernetesApi", Api()), OUTPUTS) == [
        WorkloadStatus(namespace="logging", kind="StatefulSet", name="es", ready=1, wanted=3, nodes=("a",)),
        WorkloadStatus(
            namespace="log-collector", kind="DaemonSet", name="fluentd", ready=2, wanted=2, nodes=("a", "b")
        ),
    ]
