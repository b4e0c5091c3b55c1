"""Nodes of a rehearsal keep their state, and scheduler and controllers treat them as real ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest
from kubernetes.utils.quantity import parse_quantity  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from kube.client import KubernetesApi, KubernetesApiError, KubernetesObject
from rehearsal.nodes import NodeGroupSpec, Taint
from tests.instances import nodes
from tests.rehearsal.conftest import RunningControlPlane, eventually

OURS = {"suite": "nodes"}
"""Other tests have nodes in the same control plane."""

DEV = NodeGroupSpec(
    name="dev-a",
    instance_type="t3.large",
    desired=1,
    labels={"environment": "dev", **OURS},
    taints=(),
    region="ap-northeast-2",
    subnets={"ap-northeast-2a": "10.10.0.0/18"},
)
PROD = NodeGroupSpec(
    name="prod-a",
    instance_type="m5.large",
    desired=1,
    labels={"environment": "prod", **OURS},
    taints=(Taint("environment", "prod", "NoSchedule"),),
    region="ap-northeast-2",
    subnets={"ap-northeast-2a": "10.10.0.0/18"},
)


@pytest.fixture(scope="module")
def api(control_plane: RunningControlPlane) -> Iterator[KubernetesApi]:
    api = control_plane.api
    made = [*nodes(DEV), *nodes(PROD)]
    for node in made:
        api.create(node)
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "placement"}})
    eventually(lambda: api.get("v1", "ServiceAccount", "default", "placement") is not None, "a default service account")
    yield api
    api.delete("v1", "Namespace", "placement")
    for node in made:
        api.delete("v1", "Node", node["metadata"]["name"])


def test_a_node_becomes_ready_with_the_size_it_was_made_with(api: KubernetesApi) -> None:
    for wanted in (*nodes(DEV), *nodes(PROD)):
        name = wanted["metadata"]["name"]
        eventually(lambda name=name: _ready(api, name), f"{name} is ready")
        node = cast("KubernetesObject", api.get("v1", "Node", name))
        for amounts in ("allocatable", "capacity"):
            assert _parsed(node["status"][amounts]) == _parsed(wanted["status"][amounts])
        assert node["status"]["addresses"] == wanted["status"]["addresses"]
        assert node["status"]["nodeInfo"].items() >= wanted["status"]["nodeInfo"].items()


def test_pods_land_by_label_and_none_lands_on_a_taint_it_does_not_tolerate(api: KubernetesApi) -> None:
    chosen = {"nodeSelector": {"environment": "prod", **OURS}}
    tolerant = {"tolerations": [{"key": "environment", "value": "prod", "effect": "NoSchedule"}]}
    api.create(pod("anywhere", "placement", {"nodeSelector": OURS}))
    api.create(pod("prod", "placement", {**chosen, **tolerant}))
    api.create(pod("intruder", "placement", chosen))
    eventually(lambda: _phase(api, "anywhere") == _phase(api, "prod") == "Running", "both pods run")
    assert _node_of(api, "anywhere") == nodes(DEV)[0]["metadata"]["name"]
    assert _node_of(api, "prod") == nodes(PROD)[0]["metadata"]["name"]
    eventually(lambda: "untolerated taint" in _unschedulable(api, "intruder"), "the intruder is refused")
    assert _node_of(api, "intruder") is None


def test_pods_beyond_the_allocatable_cpu_wait(api: KubernetesApi) -> None:
    # 1930m of CPU hold three pods of 500m: `anywhere` above and two more.
    for number in range(3):
        api.create(pod(f"one-of-three-{number}", "placement", {"nodeSelector": OURS}))
    names = [f"one-of-three-{number}" for number in range(3)]
    eventually(lambda: [_phase(api, name) for name in names].count("Running") == 2, "two of three run")
    (waits,) = [name for name in names if _phase(api, name) == "Pending"]
    eventually(lambda: "Insufficient cpu" in _unschedulable(api, waits), "the third has no room")


def test_a_deployment_rolls_out_and_its_namespace_goes_with_all_of_it(api: KubernetesApi) -> None:
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "short-lived"}})
    labels = {"app": "web"}
    spec: dict[str, Any] = {
        "replicas": 1,
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {
                "nodeSelector": {"environment": "prod", **OURS},
                "tolerations": [{"key": "environment", "operator": "Exists"}],
                "containers": [{"name": "web", "image": "registry.k8s.io/pause:3.10"}],
            },
        },
    }
    metadata = {"name": "web", "namespace": "short-lived"}
    api.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
    service = {"selector": labels, "ports": [{"port": 80}]}
    api.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service})
    eventually(lambda: _endpoints(api, "short-lived") == [True], "the Service has one ready endpoint")
    api.delete("v1", "Namespace", "short-lived")
    eventually(lambda: api.get("v1", "Namespace", "short-lived") is None, "the namespace is gone")


def test_pod_security_is_enforced(api: KubernetesApi) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "strict", "labels": labels}})
    eventually(lambda: api.get("v1", "ServiceAccount", "default", "strict") is not None, "a service account")
    with pytest.raises(KubernetesApiError, match='violates PodSecurity "restricted'):
        api.create(pod("careless", "strict", {}))
    api.delete("v1", "Namespace", "strict")


def pod(name: str, namespace: str, spec: dict[str, Any]) -> KubernetesObject:
    container = {"name": "main", "image": "registry.k8s.io/pause:3.10", "resources": {"requests": {"cpu": "500m"}}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [container], **spec},
    }


def _ready(api: KubernetesApi, name: str) -> bool:
    node = api.get("v1", "Node", name)
    conditions: list[dict[str, str]] = node["status"].get("conditions", []) if node else []
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def _pod(api: KubernetesApi, name: str) -> KubernetesObject:
    return cast("KubernetesObject", api.get("v1", "Pod", name, "placement"))


def _phase(api: KubernetesApi, name: str) -> str:
    return _pod(api, name)["status"]["phase"]


def _node_of(api: KubernetesApi, name: str) -> str | None:
    return _pod(api, name)["spec"].get("nodeName")


def _unschedulable(api: KubernetesApi, name: str) -> str:
    conditions = _pod(api, name)["status"].get("conditions", [])
    return " ".join(c.get("message", "") for c in conditions if c["type"] == "PodScheduled")


def _endpoints(api: KubernetesApi, namespace: str) -> list[bool]:
    slices = api.list("discovery.k8s.io/v1", "EndpointSlice", namespace=namespace)
    endpoints = cast("list[dict[str, Any]]", [endpoint for each in slices for endpoint in each["endpoints"] or ()])
    return [endpoint["conditions"]["ready"] for endpoint in endpoints]


def _parsed(amounts: dict[str, str]) -> dict[str, Any]:
    """Amounts as numbers: the API server writes `17408Mi` as `17Gi`."""
    return {name: parse_quantity(quantity) for name, quantity in amounts.items()}
