"""Requests in a rehearsal's network reach the pods that a Service selects, by the real kube-proxy, and no others."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from kube.client import KubernetesApi
from rehearsal import control_plane as kubernetes
from rehearsal.layout import Layout
from rehearsal.network import namespace
from rehearsal.nodes import NodeGroupSpec, Taint
from rehearsal.processes import ProcessTable
from rehearsal.toolchain import Toolchain
from tests.instances import nodes
from tests.rehearsal.conftest import eventually
from tests.rehearsal.inside import PORT, Network, answer

NODE_PORT = 30080
REPLICAS = 3
TIMES = 40
"""Requests after which each of three pods was asked, but for one run in ten million."""

DEV = NodeGroupSpec("dev-a", "t3.large", 1, {"environment": "dev"}, (), "ap-northeast-2", {"a": "10.10.0.0/18"})
PROD = NodeGroupSpec(
    "prod-a",
    "t3.large",
    2,
    {"environment": "prod"},
    (Taint("environment", "prod", "NoSchedule"),),
    "ap-northeast-2",
    {"a": "10.10.0.0/18", "b": "10.10.64.0/18"},
)


def deployment(slot: str) -> dict[str, Any]:
    """A slot of a service."""
    marks = {"app.kubernetes.io/name": "web", "slot": slot}
    pod = {
        "metadata": {"labels": marks},
        "spec": {"containers": [{"name": "web", "image": "web"}], "terminationGracePeriodSeconds": 1},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"web-{slot}", "namespace": "default"},
        "spec": {"replicas": REPLICAS, "selector": {"matchLabels": marks}, "template": pod},
    }


SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {
        "type": "NodePort",
        "selector": {"app.kubernetes.io/name": "web", "slot": "blue"},
        "ports": [{"name": "http", "port": 80, "targetPort": PORT, "nodePort": NODE_PORT}],
    },
}


@dataclass
class Lab:
    """A control plane with a service that has two slots.

    Attributes:
        layout: Its files.
        tools: With which it was started.
        api: Its API server.
        network: A process in its network.
    """

    layout: Layout
    tools: Toolchain
    api: KubernetesApi
    network: Network

    def pods(self, slot: str) -> set[str]:
        """The addresses of a slot's pods that are ready."""
        found = self.api.list("v1", "Pod", namespace="default", label_selector=f"slot={slot}")
        return {pod["status"]["podIP"] for pod in found if is_ready(pod)}

    def select(self, slot: str) -> None:
        """Switches."""
        change = {"op": "replace", "path": "/spec/selector/slot", "value": slot}
        self.api.json_patch("v1", "Service", "web", [change], namespace="default")

    def ways(self) -> list[tuple[str, int]]:
        """Address and port of every way to the service: each node's, and the cluster's."""
        of_nodes = [node["status"]["addresses"][0]["address"] for node in self.api.list("v1", "Node")]
        service = self.api.get("v1", "Service", "web", "default")
        assert service is not None
        return [*((address, NODE_PORT) for address in of_nodes), (service["spec"]["clusterIP"], 80)]

    def eventually_only(self, slot: str) -> None:
        """Waits until every way leads to all pods of a slot, and to no others."""
        pods = self.pods(slot)
        assert len(pods) == REPLICAS
        for address, port in self.ways():
            eventually(
                lambda address=address, port=port: set(self.network.ask(address, port, TIMES)) == pods,
                f"{address}:{port} leads to {slot} only",
                90,
            )

    def kill(self, name: str) -> None:
        """Ends one of its programs at once."""
        (record,) = [one for one in ProcessTable(self.layout.processes).running() if one.name == name]
        process = psutil.Process(record.pid)
        process.kill()
        process.wait()

    def start(self) -> list[str]:
        """Starts again what does not run; what was said."""
        sentences: list[str] = []
        kubernetes.start(self.layout, self.tools, sentences.append)
        return sentences


def is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def inside(layout: Layout) -> Network:
    holder = namespace.find_holder(ProcessTable(layout.processes))
    assert holder is not None
    return Network.of(holder.pid)


@contextmanager
def running_lab(layout: Layout, tools: Toolchain) -> Generator[Lab]:
    kubernetes.start(layout, tools, print)
    running: Lab | None = None
    try:
        api = KubernetesApi(layout.kubeconfig)
        for node in (*nodes(DEV), *nodes(PROD)):
            api.create(node)
        eventually(lambda: api.get("v1", "ServiceAccount", "default", "default") is not None, "an account")
        for one in (deployment("blue"), deployment("green"), SERVICE):
            api.create(one)
        running = Lab(layout, tools, api, inside(layout))
        for slot in ("blue", "green"):
            eventually(lambda slot=slot: len(running.pods(slot)) == REPLICAS, f"pods of {slot}")
        yield running
    finally:
        if running is not None:
            running.network.end()
        kubernetes.stop(layout)


@pytest.fixture(scope="module")
def lab(tools: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(Layout(tmp_path_factory.mktemp("network")), tools) as running:
        yield running


def test_every_nodes_port_and_the_clusters_address_lead_to_the_slot_that_the_service_selects(lab: Lab) -> None:
    lab.select("blue")
    lab.eventually_only("blue")
    assert lab.pods("blue").isdisjoint(lab.pods("green"))


def test_a_switch_moves_every_way_at_once(lab: Lab) -> None:
    for slot in ("green", "blue"):
        lab.select(slot)
        lab.eventually_only(slot)


def test_a_pod_that_is_not_ready_gets_no_request(lab: Lab) -> None:
    lab.select("blue")
    lab.eventually_only("blue")
    pod = lab.api.list("v1", "Pod", namespace="default", label_selector="slot=blue")[0]
    at = next(i for i, one in enumerate(pod["status"]["conditions"]) if one["type"] == "Ready")
    name, address = pod["metadata"]["name"], pod["status"]["podIP"]

    def say(status: str) -> None:
        change = {"op": "replace", "path": f"/status/conditions/{at}/status", "value": status}
        kubectl = (lab.tools.kubernetes_program("kubectl"), f"--kubeconfig={lab.layout.kubeconfig}")
        patch = ("--subresource=status", "--type=json", f"--patch={json.dumps([change])}")
        subprocess.run([*kubectl, "patch", "pod", name, *patch], check=True, capture_output=True)

    say("False")
    others = lab.pods("blue")
    assert address not in others
    for where, port in lab.ways():
        eventually(
            lambda where=where, port=port: set(lab.network.ask(where, port, TIMES)) == others, "the others answer"
        )
    say("True")
    lab.eventually_only("blue")


def test_requests_go_on_while_kube_proxy_is_gone_and_a_switch_meanwhile_comes_into_force(lab: Lab) -> None:
    lab.select("blue")
    lab.eventually_only("blue")
    lab.kill("kube-proxy")
    assert not kubernetes.has_traffic(lab.layout)
    lab.select("green")
    blue = lab.pods("blue")
    assert {pod for address, port in lab.ways() for pod in lab.network.ask(address, port, TIMES)} == blue
    assert [line for line in lab.start() if line.startswith("Starting ")] == ["Starting kube-proxy"]
    assert kubernetes.has_traffic(lab.layout)
    lab.eventually_only("green")


def test_a_network_that_is_gone_is_made_anew_with_all_its_traffic(lab: Lab) -> None:
    lab.select("green")
    lab.kill(namespace.HOLDER)
    lab.network.end()
    lab.start()
    lab.network = inside(lab.layout)
    lab.eventually_only("green")


def test_this_machines_own_network_knows_nothing_of_it(lab: Lab) -> None:
    for address, port in lab.ways():
        assert answer(f"http://{address}:{port}/") == ""


def test_a_stop_leaves_no_network_behind(lab: Lab) -> None:
    holder = namespace.find_holder(ProcessTable(lab.layout.processes))
    assert holder is not None
    network = _network(holder.pid)
    assert network in {_network(pid) for pid in psutil.pids()}
    lab.network.end()
    kubernetes.stop(lab.layout)
    assert network not in {_network(pid) for pid in psutil.pids()}
    lab.start()
    lab.network = inside(lab.layout)


def test_a_user_who_is_not_root_has_all_of_it_too(
    tools: Toolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with running_lab(Layout(tmp_path), tools) as lab:
        holder = namespace.find_holder(ProcessTable(lab.layout.processes))
        assert holder is not None
        assert Path(f"/proc/{holder.pid}/ns/user").readlink() != Path("/proc/self/ns/user").readlink()
        lab.select("green")
        lab.eventually_only("green")


def _network(pid: int) -> Path | None:
    try:
        return Path(f"/proc/{pid}/ns/net").readlink()
    except OSError:
        return None  # it has ended
