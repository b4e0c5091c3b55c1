"""A load is on the pods that the active Service leads to; others have next to nothing to do, and nodes bear it all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kubernetes.utils.quantity import (  # pyright: ignore[reportMissingTypeStubs]
    parse_quantity,  # pyright: ignore[reportUnknownVariableType]
)

from rehearsal.metrics.definitions import definitions
from rehearsal.metrics.usage import node_metrics, pod_metrics
from release.kubernetes_api import KubernetesObject

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def pod(slot: str, *, service: str = "api", phase: str = "Running", requests: dict[str, str] | None = None) -> Any:
    mine = {"app.kubernetes.io/name": service, "slot": slot}
    wanted = {"cpu": "200m", "memory": "64Mi"} if requests is None else requests
    return {
        "kind": "Pod",
        "metadata": {"name": f"{service}-{slot}", "namespace": "dev", "uid": f"uid-{slot}", "labels": mine},
        "spec": {"nodeName": "one", "containers": [{"name": "main", "resources": {"requests": wanted}}]},
        "status": {"phase": phase},
    }


def service(slot: str, name: str = "api") -> KubernetesObject:
    selector = {"app.kubernetes.io/name": "api", "slot": slot}
    return {"kind": "Service", "metadata": {"name": name, "namespace": "dev"}, "spec": {"selector": selector}}


def cpu(sample: KubernetesObject) -> float:
    (container,) = sample["containers"]
    return float(parse_quantity(container["usage"]["cpu"]))


def test_the_live_slots_pods_bear_the_load_and_the_others_one_per_cent() -> None:
    services = [service("green"), service("blue", "api-preview")]
    blue, green = pod_metrics([pod("blue"), pod("green")], services, {"dev/api": 90}, NOW)
    assert (cpu(blue), cpu(green)) == (0.002, 0.18)
    blue, green = pod_metrics([pod("blue"), pod("green")], [service("blue")], {"dev/api": 90, "prod/api": 5}, NOW)
    assert (cpu(blue), cpu(green)) == (0.18, 0.002)


def test_what_no_load_was_told_of_and_what_no_service_leads_to_has_nothing_to_do() -> None:
    without_selector: KubernetesObject = {**service("blue"), "spec": {}}
    for services, load in (([service("blue")], {}), ([without_selector], {"dev/api": 90}), ([], {"dev/api": 90})):
        (sample,) = pod_metrics([pod("blue")], services, load, NOW)
        assert cpu(sample) == 0.002


def test_a_sample_has_its_pods_name_labels_and_fate_and_the_forms_of_metrics_server() -> None:
    of = pod("blue")
    (sample,) = pod_metrics([of], [], {}, NOW)
    assert sample["metadata"]["labels"] == of["metadata"]["labels"]
    (owner,) = sample["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("Pod", "api-blue", "uid-blue")
    assert (sample["timestamp"], sample["window"]) == ("2030-01-02T03:04:05Z", "10s")
    assert sample["containers"] == [{"name": "main", "usage": {"cpu": "2000000n", "memory": "32768Ki"}}]


def test_a_pod_that_does_not_run_has_no_sample_and_one_that_requests_nothing_uses_nothing() -> None:
    pods = [pod("blue", phase="Pending"), pod("green", requests={})]
    (sample,) = pod_metrics(pods, [], {}, NOW)
    assert sample["metadata"]["name"] == "api-green"
    assert cpu(sample) == 0


def test_a_node_bears_what_its_pods_use() -> None:
    pods = [pod("blue"), pod("green"), pod("blue", service="ai", phase="Pending")]
    nodes = [{"kind": "Node", "metadata": {"name": name, "uid": name}} for name in ("one", "two")]
    one, two = node_metrics(nodes, pods, pod_metrics(pods, [service("blue")], {"dev/api": 90}, NOW), NOW)
    assert one["usage"] == {"cpu": "182000000n", "memory": "65536Ki"}
    assert two["usage"] == {"cpu": "0n", "memory": "0Ki"}
    assert "namespace" not in one["metadata"]


def test_samples_are_of_the_kinds_that_are_defined() -> None:
    (of_pod,), (of_node,) = (
        pod_metrics([pod("blue")], [], {}, NOW),
        node_metrics([{"kind": "Node", "metadata": {"name": "one", "uid": "one"}}], [], [], NOW),
    )
    for sample, definition in zip((of_pod, of_node), definitions(), strict=True):
        spec = definition["spec"]
        assert sample["kind"] == spec["names"]["kind"]
        assert sample["apiVersion"] == f"{spec['group']}/{spec['versions'][0]['name']}"
        known = spec["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
        assert sample.keys() - {"apiVersion", "kind", "metadata"} == known.keys()
