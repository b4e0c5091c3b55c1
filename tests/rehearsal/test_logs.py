"""Elasticsearch, Kibana and Fluentd on a real control plane, created by the real operator."""

from __future__ import annotations

import base64
from typing import Any

import pytest

import config
from components.logging import access
from kube.client import KubernetesApi, KubernetesApiError
from rehearsal import status
from rehearsal.lifecycle import Rehearsal
from rehearsal.nodes import NodeGroupSpec, Taint
from tests.instances import nodes
from tests.rehearsal.conftest import eventually
from tests.rehearsal.stacks import ONE_STACK, changes, run_up
from tests.unit.program import stack_config

LOGGING = "logging"
LOG_COLLECTOR = "log-collector"
ZONE = "topology.kubernetes.io/zone"

CONFINED: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}


def workload(api: KubernetesApi, kind: str, name: str, namespace: str = LOGGING) -> tuple[int, int]:
    """How many pods of a workload are ready, and how many there should be."""
    found = api.get("apps/v1", kind, name, namespace)
    if found is None:
        return 0, -1
    state: dict[str, Any] = found.get("status", {})
    if kind == "DaemonSet":
        return state.get("numberReady", 0), state.get("desiredNumberScheduled", -1)
    return state.get("readyReplicas", 0), found["spec"]["replicas"]


def nodes_of(api: KubernetesApi, namespace: str) -> list[str]:
    """The node of each pod of a namespace."""
    return sorted(str(pod["spec"].get("nodeName")) for pod in api.list("v1", "Pod", namespace=namespace))


def pod(volumes: list[dict[str, Any]], mounts: list[dict[str, Any]], **changed: Any) -> dict[str, Any]:
    """A pod such as may stand beside Fluentd, with these volumes; other keys of its container or its spec changed."""
    container = {"name": "c", "image": "nothing", "securityContext": CONFINED, "volumeMounts": mounts}
    spec = {
        "containers": [{**container, **changed.pop("container", {})}],
        "volumes": volumes,
        "nodeSelector": {"nowhere": "at-all"},
        **changed,
    }
    metadata = {"generateName": "beside-", "namespace": LOG_COLLECTOR}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def host_path(path: str) -> list[dict[str, Any]]:
    """A volume that is a directory of the node."""
    return [{"name": "v", "hostPath": {"path": path}}]


def mount(*, read_only: bool) -> list[dict[str, Any]]:
    """Where it is mounted."""
    return [{"name": "v", "mountPath": "/v", "readOnly": read_only}]


REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "the node's root": ("no directory of the node but", pod(host_path("/"), mount(read_only=True))),
    "the kubelet's directory": (
        "no directory of the node but",
        pod(host_path("/var/lib/kubelet"), mount(read_only=True)),
    ),
    "a directory beside Fluentd's": (
        "no directory of the node but",
        pod(host_path("/var/log/pods"), mount(read_only=True)),
    ),
    "a path that leads out of it": (
        "must not contain '..'",
        pod(host_path("/var/log/../lib"), mount(read_only=True)),
    ),
    "the logs, to write": ("for reading only", pod(host_path("/var/log"), mount(read_only=False))),
    "another kind of volume": (
        "volumes of these kinds only",
        pod([{"name": "v", "csi": {"driver": "ebs.csi.aws.com"}}], mount(read_only=True)),
    ),
    "the node's network": ("no namespace of the node's", pod([], [], hostNetwork=True)),
    "the node's processes": ("no namespace of the node's", pod([], [], hostPID=True)),
    "a privileged container": (
        "no further privilege",
        pod([], [], container={"securityContext": {"privileged": True}}),
    ),
    "a capability": (
        "no capability",
        pod(
            [],
            [],
            container={"securityContext": {**CONFINED, "capabilities": {"drop": ["ALL"], "add": ["SYS_PTRACE"]}}},
        ),
    ),
    "a root file system that is written": (
        "a read-only root file system",
        pod([], [], container={"securityContext": {**CONFINED, "readOnlyRootFilesystem": False}}),
    ),
    "an init container without bounds": (
        "a read-only root file system",
        pod([], [], initContainers=[{"name": "i", "image": "nothing"}]),
    ),
}
"""Pods that Fluentd's namespace refuses, and a part of the reason."""

TAKEN = {
    "the logs, to read": pod(host_path("/var/log"), mount(read_only=True)),
    "Fluentd's own directory, to write": pod(host_path("/var/log/hello-fluentd"), mount(read_only=False)),
    "no volume": pod([], []),
}
"""Pods that it takes."""


def test_the_real_operator_makes_elasticsearch_and_kibana_of_what_it_is_asked_for(platform: Rehearsal) -> None:
    api, wanted = platform.api(), config.load(stack_config(platform.stack)).logs
    eventually(
        lambda: workload(api, "StatefulSet", "hello-es-default") == (wanted.nodes, wanted.nodes),
        "every pod of Elasticsearch is ready",
    )
    eventually(lambda: workload(api, "Deployment", "kibana-kb") == (1, 1), "Kibana is ready")
    for service in ("hello-es-http", "hello-es-transport", "kibana-kb-http"):
        assert api.get("v1", "Service", service, LOGGING), service
    for secret in ("hello-es-http-certs-public", "kibana-kb-http-certs-public"):
        assert "ca.crt" in (api.get("v1", "Secret", secret, LOGGING) or {})["data"], secret
    # The operator's own: Fluentd's, the setup's and the reader's users and roles, as Elasticsearch reads them.
    realm = (api.get("v1", "Secret", "hello-es-xpack-file-realm", LOGGING) or {})["data"]
    users, roles = (base64.b64decode(realm[name]).decode() for name in ("users", "roles.yml"))
    for user in ("fluentd", "logs-setup", "reader"):
        assert user in users
    # Elasticsearch finds a role by a line without indentation, so the JSON of the program's Secret would not do.
    for role in ("fluentd", "logs-setup", *access.PEOPLE_ROLES):
        assert f"\n{role}:" in f"\n{roles}"
    assert api.get("policy/v1", "PodDisruptionBudget", "hello-es-default", LOGGING)
    claims = api.list("v1", "PersistentVolumeClaim", namespace=LOGGING)
    assert [claim["status"]["phase"] for claim in claims] == ["Bound"] * wanted.nodes
    if wanted.zone_awareness:
        placed = api.list("v1", "Pod", namespace=LOGGING, label_selector="common.k8s.elastic.co/type=elasticsearch")
        zones = {one["metadata"]["name"]: one["metadata"]["labels"][ZONE] for one in api.list("v1", "Node")}
        assert len({zones[one["spec"]["nodeName"]] for one in placed}) == wanted.nodes, "each in a zone of its own"
    events = api.list("v1", "Event", namespace=LOGGING)
    assert [one["message"] for one in events if one["reason"] == "Validation"] == []


def test_of_the_logs_only_fluentd_is_on_prods_nodes_and_one_on_each_node_also_on_a_new_one(
    platform: Rehearsal,
) -> None:
    api = platform.api()
    environment_of = {node.name: node.environment for node in status.nodes(api)}
    assert {environment_of[node] for node in nodes_of(api, LOGGING)} == {"dev"}
    assert nodes_of(api, LOG_COLLECTOR) == sorted(environment_of)
    later = NodeGroupSpec(
        name="later",
        instance_type="m7i.large",
        desired=1,
        labels={"environment": "prod"},
        taints=(Taint("environment", "prod", "NoSchedule"),),
        region="ap-northeast-2",
        subnets={"ap-northeast-2a": "198.18.0.0/24"},
    )
    (node,) = nodes(later)
    name = str(node["metadata"]["name"])
    api.create(node)
    try:
        eventually(lambda: name in nodes_of(api, LOG_COLLECTOR), "Fluentd on the new node")
        eventually(
            lambda: workload(api, "DaemonSet", "fluentd", LOG_COLLECTOR) == (len(environment_of) + 1,) * 2,
            "Fluentd is ready on every node",
        )
    finally:
        api.delete("v1", "Node", name)


def elasticsearch(api: KubernetesApi) -> dict[str, Any]:
    """The resources of Elasticsearch's container that the operator asks for."""
    found = api.get("apps/v1", "StatefulSet", "hello-es-default", LOGGING) or {}
    containers = {one["name"]: one for one in found["spec"]["template"]["spec"]["containers"]}
    return containers["elasticsearch"]["resources"]


@ONE_STACK
def test_memory_and_cpu_change_and_come_back_through_the_real_operator(platform: Rehearsal) -> None:
    """The operator has written the object back by now; a conflict with it would fail `up`.

    It restarts no pod: for that it asks Elasticsearch, which does not run here.
    """
    api, settings = platform.api(), "hello-platform:logs"
    before = elasticsearch(api)

    def larger(content: dict[str, Any]) -> None:
        content[settings] |= {"memory": "2304Mi", "cpu": "600m"}

    assert list(changes(platform, larger).values()) == ["update"]
    eventually(lambda: elasticsearch(api)["limits"] == {**before["limits"], "memory": "2304Mi", "cpu": "2400m"}, "up")
    assert list(run_up(platform).values()) == ["update"]
    eventually(lambda: elasticsearch(api) == before, "and back")


@ONE_STACK
def test_beside_fluentd_nothing_mounts_the_node_or_has_more_rights(platform: Rehearsal) -> None:
    api = platform.api()
    for what, (reason, refused) in REFUSED.items():
        with pytest.raises(KubernetesApiError) as told:
            api.create(refused)
        assert reason in str(told.value), what
    for one in TAKEN.values():
        made = api.create(one)
        api.delete("v1", "Pod", made["metadata"]["name"], LOG_COLLECTOR)
