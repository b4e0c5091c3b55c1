"""The pod behind an address or a Service, and its connections when it is deleted."""

from __future__ import annotations

import pytest

from kube.client import KubernetesObject
from rehearsal.pod_simulator.cluster import Cluster
from tests.unit.rehearsal.pod_simulator import example
from tests.unit.rehearsal.pod_simulator.example import NOW


class Clock:
    """A clock that a test sets."""

    now = NOW

    def __call__(self) -> float:
        """Seconds since 1970."""
        return self.now


class Connection:
    """One that only tells that it was cut."""

    is_cut = False
    idle_since: float | None = None

    def cut(self) -> None:
        """Is told."""
        self.is_cut = True


@pytest.fixture
def clock() -> Clock:
    """The time."""
    return Clock()


@pytest.fixture
def cluster(clock: Clock) -> Cluster:
    """A cluster without anything in it."""
    return Cluster(clock)


def put(cluster: Cluster, pod: KubernetesObject) -> None:
    cluster.set_pod((pod["metadata"]["namespace"], pod["metadata"]["name"]), pod)


def name_at(cluster: Cluster, address: str, port: int = 8099) -> str | None:
    found = cluster.at(address, port)
    return found.pod.name if found else None


def test_a_pod_is_found_by_its_address_on_its_own_port(cluster: Cluster) -> None:
    put(cluster, example.pod("one", address="10.0.0.1"))
    put(cluster, example.pod("two", address="10.0.0.2"))
    assert name_at(cluster, "10.0.0.2") == "two"
    assert name_at(cluster, "10.0.0.2", 8098) is None
    assert name_at(cluster, "10.0.0.3") is None


def test_a_pod_that_does_not_run_or_ends_is_not_found(cluster: Cluster, clock: Clock) -> None:
    put(cluster, example.pod(address="10.0.0.1", state="waiting"))
    assert name_at(cluster, "10.0.0.1") is None
    put(cluster, example.pod(address="10.0.0.1"))
    put(cluster, example.pod(address="10.0.0.1", deleted=NOW, sleep=10))
    assert name_at(cluster, "10.0.0.1") == "api-blue-1"
    clock.now += 10
    assert name_at(cluster, "10.0.0.1") is None


def test_an_address_that_another_pod_has_by_now_is_the_others(cluster: Cluster) -> None:
    put(cluster, example.pod("old", address="10.0.0.1"))
    put(cluster, example.pod("new", address="10.0.0.1"))
    cluster.set_pod(("dev", "old"), None)
    assert name_at(cluster, "10.0.0.1") == "new"


def test_a_pod_that_is_gone_is_cut(cluster: Cluster) -> None:
    put(cluster, example.pod("one", address="10.0.0.1"))
    put(cluster, example.pod("two", address="10.0.0.2"))
    found = cluster.at("10.0.0.1", 8099)
    assert found
    connection = Connection()
    found.connections.add(connection)
    cluster.set_pod(("dev", "one"), None)
    assert connection.is_cut
    assert name_at(cluster, "10.0.0.1") is None
    assert name_at(cluster, "10.0.0.2") == "two"


def test_a_pod_of_the_same_name_is_another_one(cluster: Cluster) -> None:
    put(cluster, example.pod("db-0", uid="first", address="10.0.0.1"))
    first = cluster.at("10.0.0.1", 8099)
    assert first
    connection = Connection()
    first.connections.add(connection)
    put(cluster, example.pod("db-0", uid="second", address="10.0.0.2"))
    assert connection.is_cut
    assert name_at(cluster, "10.0.0.1") is None
    assert name_at(cluster, "10.0.0.2") == "db-0"


def test_a_container_has_ended_when_nothing_is_open_or_its_time_is_over(cluster: Cluster, clock: Clock) -> None:
    put(cluster, example.pod("stays", address="10.0.0.3"))
    put(cluster, example.pod("idle", address="10.0.0.1"))
    put(cluster, example.pod("busy", address="10.0.0.2"))
    busy = cluster.at("10.0.0.2", 8099)
    assert busy
    connection = Connection()
    busy.connections.add(connection)
    for name, address in (("idle", "10.0.0.1"), ("busy", "10.0.0.2")):
        put(cluster, example.pod(name, address=address, deleted=NOW, sleep=10, grace=45))
    assert [pod.name for pod in cluster.ended()] == []
    clock.now = NOW + 10
    assert [pod.name for pod in cluster.ended()] == ["idle"]
    assert not connection.is_cut
    clock.now = NOW + 45
    assert {pod.name for pod in cluster.ended()} == {"idle", "busy"}
    assert connection.is_cut


def test_a_service_is_called_as_by_the_clusters_dns(cluster: Cluster) -> None:
    cluster.set_service(("dev", "api"), example.service(address="172.20.0.7"))
    cluster.set_service(("prod", "api"), example.service(namespace="prod", address="172.20.0.8"))
    assert cluster.address_of("api", "dev") == "172.20.0.7"
    assert cluster.address_of("api.prod", "dev") == "172.20.0.8"
    assert cluster.address_of("api.prod.svc.cluster.local", "dev") == "172.20.0.8"
    assert cluster.address_of("ai", "dev") is None
    cluster.set_service(("dev", "api"), None)
    assert cluster.address_of("api", "dev") is None
