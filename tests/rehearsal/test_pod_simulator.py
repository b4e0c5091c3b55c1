"""Pods answer over HTTP as containers would: from their start to their end, by their image's version and faults."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from kube.client import KubernetesApi, KubernetesObject
from rehearsal import control_plane as kubernetes
from rehearsal import demo_images
from rehearsal.demo_images import Fault
from rehearsal.network import namespace as network
from rehearsal.processes import ProcessTable
from rehearsal.programs import KWOK, POD_SIMULATOR
from rehearsal.toolchain import Toolchain
from release.errors import ExitCode
from release.http import ThroughApiServer
from release.plan import Deploy
from tests.rehearsal.conftest import RunningControlPlane, eventually
from tests.rehearsal.tunnel import Connection, tunnel
from tests.release.platform import QUICK, Platform, image, namespace, node
from tests.release.web import Web

ENVIRONMENT = "dev"
PORT = 8080

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Cluster:
    """A control plane with a node, and a way to its pods.

    Attributes:
        api: With all rights.
        tunnel: Leads to pods' addresses.
    """

    api: KubernetesApi
    tunnel: Path

    def start(self, *, version: str = "v1", fault: Fault | None = None, sleep: int = 1, grace: int = 1) -> str:
        """Starts a pod; its name."""
        name = f"web-{next(_numbers)}"
        container = {
            "name": "web",
            "image": f"registry.example.com/web@{demo_images.digest(version, fault)}",
            "ports": [{"name": "http", "containerPort": PORT}],
            "readinessProbe": {"httpGet": {"path": "/health", "port": "http"}},
            "lifecycle": {"preStop": {"sleep": {"seconds": sleep}}},
        }
        labels = {"environment": ENVIRONMENT, "app.kubernetes.io/name": "web", "slot": "blue", "name": name}
        metadata = {"name": name, "namespace": ENVIRONMENT, "labels": labels}
        spec = {"containers": [container], "terminationGracePeriodSeconds": grace, "nodeName": "large"}
        self.api.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        return name

    def pod(self, name: str) -> KubernetesObject | None:
        """The pod as the API server has it."""
        return self.api.get("v1", "Pod", name, ENVIRONMENT)

    def status(self, name: str) -> dict[str, Any]:
        """A pod's status."""
        return (self.pod(name) or {}).get("status") or {}

    def is_running(self, name: str) -> bool:
        """Whether a pod's container runs."""
        return any("running" in one["state"] for one in self.status(name).get("containerStatuses") or ())

    def connect(self, name: str) -> Connection:
        """A new connection to a pod."""
        return Connection(self.tunnel, self.status(name)["podIP"], PORT)

    def ready(self, **options: Any) -> str:
        """Starts a pod, and waits until it answers."""
        name = self.start(**options)
        eventually(lambda: "podIP" in self.status(name) and self.connect(name).ask()[0] is not None, f"{name} answers")
        return name


@pytest.fixture(scope="module")
def cluster(control_plane: RunningControlPlane) -> Iterator[Cluster]:
    """A cluster with an environment and a node."""
    api = control_plane.api
    api.create(node())
    api.create(namespace(ENVIRONMENT))
    eventually(lambda: api.get("v1", "ServiceAccount", "default", ENVIRONMENT) is not None, "accounts")
    holder = network.find_holder(ProcessTable(control_plane.layout.processes))
    assert holder, "there is a network namespace"
    with tempfile.TemporaryDirectory() as folder, tunnel(holder.pid, Path(folder) / "tunnel") as path:
        yield Cluster(api, path)


@pytest.fixture(scope="module")
def platform(control_plane: RunningControlPlane, cluster: Cluster) -> Iterator[Platform]:
    """Where the release tool brings versions out."""
    with Web(PORT) as unused:
        yield Platform(cluster.api, control_plane.layout.kubeconfig, unused)


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether something becomes so within some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_each_pod_answers_for_itself(cluster: Cluster) -> None:
    for version in ("v1", "v2"):
        name = cluster.ready(version=version)
        status, said, ends = cluster.connect(name).ask("/anything")
        assert (status, ends) == (200, False)
        assert said == {"environment": "dev", "service": "web", "slot": "blue", "version": version, "pod": name}


def test_the_api_servers_service_proxy_reaches_it(cluster: Cluster) -> None:
    name = cluster.ready(version="v3")
    spec = {"selector": {"name": name}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}
    metadata = {"name": "proxied", "namespace": ENVIRONMENT}
    cluster.api.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    eventually(
        lambda: cluster.api.service_proxy(ENVIRONMENT, "proxied:http", "/x", timeout=5)[0] == 200, "the proxy answers"
    )
    assert '"version": "v3"' in cluster.api.service_proxy(ENVIRONMENT, "proxied:http", "/x", timeout=5)[1]


def test_nothing_answers_before_the_container_runs(cluster: Cluster) -> None:
    name = cluster.start(fault=Fault.SLOW_START)
    eventually(lambda: cluster.pod(name) is not None, "the pod is there")
    time.sleep(1)
    assert not cluster.is_running(name)
    eventually(lambda: cluster.is_running(name), "it has started")
    assert within(2, lambda: cluster.connect(name).ask()[0] == 200)


def test_an_ending_pod_loses_no_request(cluster: Cluster) -> None:
    name = cluster.ready(sleep=3, grace=30)
    pooled, running, idle = cluster.connect(name), cluster.connect(name), cluster.connect(name)
    for connection in (pooled, running, idle):
        assert connection.ask()[::2] == (200, False)
    cluster.api.delete("v1", "Pod", name, ENVIRONMENT)
    deleted = time.monotonic()
    time.sleep(1)
    assert cluster.connect(name).ask()[::2] == (200, False), "the preStop sleep: as if nothing were"
    running.request("GET", "/?sleep=4")
    assert within(4, lambda: cluster.connect(name).ask()[0] is None), "it takes no new connection"
    assert time.monotonic() - deleted > 1.5, "not before the sleep is over, by the API server's whole seconds"
    assert pooled.ask()[::2] == (200, True), "the next answer ends the connection"
    answer = running.getresponse()
    assert (answer.status, answer.will_close) == (200, True), "a running request finishes"
    assert cluster.pod(name) is not None, "it stays while a connection is open"
    assert idle.has_ended(10), "nobody uses it any more"
    assert time.monotonic() - deleted > 5
    assert within(5, lambda: cluster.pod(name) is None)


def test_an_ending_pod_goes_as_soon_as_nothing_is_open(cluster: Cluster) -> None:
    name = cluster.ready(sleep=2, grace=60)
    cluster.api.delete("v1", "Pod", name, ENVIRONMENT)
    time.sleep(0.5)
    assert cluster.pod(name) is not None
    assert within(15, lambda: cluster.pod(name) is None)


def test_a_version_that_holds_connections_is_cut_at_the_end(cluster: Cluster) -> None:
    name = cluster.ready(fault=Fault.HOLDS_CONNECTIONS, sleep=1, grace=6)
    connection = cluster.connect(name)
    connection.ask()
    cluster.api.delete("v1", "Pod", name, ENVIRONMENT)
    assert within(5, lambda: cluster.connect(name).ask()[0] is None)
    assert connection.ask()[::2] == (200, False)
    assert connection.has_ended(10)


@pytest.mark.parametrize(
    ("fault", "phase", "reason"),
    [
        (Fault.CANNOT_BE_PULLED, "Pending", "ImagePullBackOff"),
        (Fault.CRASH_LOOP, "Running", "CrashLoopBackOff"),
    ],
)
def test_a_container_that_does_not_run_says_why(cluster: Cluster, fault: Fault, phase: str, reason: str) -> None:
    name = cluster.start(fault=fault)
    eventually(lambda: "containerStatuses" in cluster.status(name), "it waits")
    status = cluster.status(name)
    assert (status["phase"], status["containerStatuses"][0]["state"]["waiting"]["reason"]) == (phase, reason)
    cluster.api.delete("v1", "Pod", name, ENVIRONMENT)
    assert within(5, lambda: cluster.pod(name) is None), "nothing has to end"


@pytest.mark.parametrize(
    ("fault", "health", "other"),
    [(Fault.NEVER_READY, 503, 503), (Fault.ERRORS, 500, 500), (Fault.SMOKE_TEST, 503, 200)],
)
def test_what_runs_and_does_not_work_answers_so(cluster: Cluster, fault: Fault, health: int, other: int) -> None:
    name = cluster.ready(fault=fault)
    connection = cluster.connect(name)
    assert (connection.ask("/health")[0], connection.ask("/x")[0]) == (health, other)
    ready = [one["status"] for one in cluster.status(name)["conditions"] if one["type"] == "Ready"]
    assert ready == [str(fault is not Fault.NEVER_READY)]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault.SMOKE_TEST, "/health answered 503, not 200"),
        (Fault.ERRORS, "/health answered 500, not 200"),
        (Fault.SLOW, "worse"),
        (Fault.BREAKS_UNDER_TRAFFIC, "worse"),
        (Fault.NEVER_READY, "0 of 2 pods are ready"),
    ],
)
def test_a_bad_release_is_taken_back_by_what_the_pod_simulator_answers(
    platform: Platform, fault: Fault, told: str
) -> None:
    service = f"app-{fault}"
    platform.add(ENVIRONMENT, service)
    ask = ThroughApiServer(platform.api)
    limits = replace(
        QUICK,
        ready=3 if fault is Fault.NEVER_READY else 60,
        watch=15 if fault is Fault.BREAKS_UNDER_TRAFFIC else QUICK.watch,
    )
    first = image(service)
    assert (
        platform.run(ENVIRONMENT, service, Deploy(first), caller=ask, limits=replace(QUICK, ready=60)).exit_code
        is ExitCode.DONE
    )
    before = platform.seen(ENVIRONMENT, service)
    result = platform.run(ENVIRONMENT, service, Deploy(image(service, fault)), caller=ask, limits=limits)
    assert (result.exit_code, told in result.message) == (ExitCode.ROLLED_BACK, True), result.message
    after = platform.seen(ENVIRONMENT, service)
    assert (after.live, after.live_slot) == (before.live, before.live_slot)


def test_a_killed_pod_simulator_comes_back_and_pods_end_without_it(
    control_plane: RunningControlPlane, cluster: Cluster, tools: Toolchain
) -> None:
    name, another = cluster.ready(sleep=1, grace=3), cluster.ready()
    (record,) = [one for one in ProcessTable(control_plane.layout.processes).running() if one.name == POD_SIMULATOR]
    process = psutil.Process(record.pid)
    process.kill()
    process.wait()
    cluster.api.delete("v1", "Pod", name, ENVIRONMENT)
    assert within(10, lambda: cluster.pod(name) is None), "its kubelet kills it at the end of the grace period"
    sentences: list[str] = []
    kubernetes.start(control_plane.layout, tools, sentences.append)
    assert sentences == [f"Starting {POD_SIMULATOR}"]
    assert within(10, lambda: cluster.connect(another).ask()[0] == 200)


def test_no_two_pods_have_an_address_after_kwok_has_started_anew(
    control_plane: RunningControlPlane, cluster: Cluster, tools: Toolchain
) -> None:
    before = [cluster.ready() for _ in range(3)]
    ProcessTable(control_plane.layout.processes).stop([KWOK])
    kubernetes.start(control_plane.layout, tools, print)
    after = [cluster.ready() for _ in range(3)]
    addresses = [cluster.status(name)["podIP"] for name in before + after]
    assert len(set(addresses)) == 6, addresses
    assert all(cluster.connect(name).ask()[0] == 200 for name in before + after)
