"""The emulated Elasticsearch of the end-to-end tests is as strict as the real one."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.rehearsal.elasticsearch.api import Api
from tests.rehearsal.elasticsearch.cluster import Cluster, Pod

LOGIN = "Basic " + base64.b64encode(b"elastic-internal:right").decode()


@dataclass
class World:
    """Pods of Elasticsearch, and a clock."""

    pods: dict[str, Pod] = field(default_factory=dict[str, Pod])
    volumes: set[str] = field(default_factory=set[str])
    now: float = 0.0

    def __post_init__(self) -> None:
        self.cluster = Cluster()
        self.api = Api(self.cluster, {"elastic-internal": "right"})

    def start(self, number: int, version: str = "9.5.6") -> None:
        """Starts a pod on its volume."""
        volume = f"volume-{number}"
        self.volumes.add(volume)
        name = f"hello-es-default-{number}"
        self.pods[volume] = Pod(name, f"{name}-{self.now}", version, f"100.64.0.{number}", volume, self.now)

    def end(self, number: int, *, with_volume: bool = False) -> None:
        """Ends a pod."""
        del self.pods[f"volume-{number}"]
        if with_volume:
            self.volumes.discard(f"volume-{number}")

    def wait(self, seconds: float = 20) -> None:
        """Lets time pass."""
        for _ in range(int(5 * seconds)):
            self.now += 0.2
            self.cluster.observe(self.pods, self.volumes, self.now)

    def ask(self, method: str, path: str, body: bytes = b"", login: str = LOGIN) -> tuple[int, Any]:
        """A request to some node."""
        return self.api.answer(next(iter(self.cluster.nodes)), method, path, body, login)

    def status(self, number: int) -> str:
        """The status of a node's shutdown."""
        (one,) = self.ask("GET", f"/_nodes/volume-{number}/shutdown")[1]["nodes"]
        return one["status"]


@pytest.fixture
def three() -> World:
    world = World()
    for number in range(3):
        world.start(number)
    world.wait()
    return world


def remove(world: World, number: int) -> None:
    assert world.ask("PUT", f"/_nodes/volume-{number}/shutdown", b'{"type": "remove", "reason": "1"}')[0] == 200


def test_every_shard_has_two_copies_on_two_nodes_and_every_node_has_some(three: World) -> None:
    shards = three.ask("GET", "/_cat/shards")[1]
    assert len({(one["index"], one["node"]) for one in shards}) == len(shards) == 10
    assert {one["node"] for one in shards} == {pod.name for pod in three.pods.values()}
    assert three.cluster.health() == "green"


def test_a_node_that_is_to_be_removed_is_emptied_first(three: World) -> None:
    remove(three, 2)
    assert three.status(2) == "IN_PROGRESS"
    three.wait()
    assert three.status(2) == "COMPLETE"
    three.end(2, with_volume=True)
    three.wait(1)
    assert "hello-es-default-2 left with 0 shards, 0 of them only there" in three.cluster.story
    assert three.cluster.health() == "green"


def test_a_node_alone_cannot_be_emptied_and_its_removal_loses_what_it_has() -> None:
    world = World()
    world.start(0)
    world.wait()
    remove(world, 0)
    world.wait()
    assert world.status(0) == "STALLED"
    world.end(0, with_volume=True)
    world.start(1)
    world.wait()
    assert "hello-es-default-0 left with 5 shards, 5 of them only there" in world.cluster.story
    assert "cluster has no master" in world.cluster.story


def test_two_of_three_gone_at_once_leave_no_master_and_one_after_the_other_without_a_vote_do(three: World) -> None:
    three.end(2)
    three.end(1)
    three.wait(1)
    assert three.ask("GET", "/_cluster/health")[0] == 503
    assert three.ask("GET", "/")[1]["cluster_uuid"] == "_na_"
    world = World()
    for number in range(3):
        world.start(number)
    world.wait()
    for number in (2, 1):
        assert world.ask("POST", f"/_cluster/voting_config_exclusions?node_names=hello-es-default-{number}")[0] == 200
        world.end(number)
        world.wait(1)
    assert world.ask("GET", "/_cluster/health")[0] == 200


def test_a_replica_is_on_no_older_node_than_its_primary_so_that_an_upgrade_turns_yellow(three: World) -> None:
    three.end(2)
    three.wait(1)
    three.start(2, "9.6.0")
    three.wait()
    assert three.cluster.health() == "green"
    three.end(1)
    three.wait()
    assert three.cluster.health() == "yellow"
    three.start(1, "9.6.0")
    three.wait()
    assert three.cluster.health() == "green"
    assert "health is red" not in three.cluster.story


def test_no_node_goes_back_to_an_earlier_version(three: World) -> None:
    three.end(2)
    three.wait(1)
    three.start(2, "9.6.0")
    three.wait()
    three.end(2)
    three.wait(1)
    three.start(2, "9.5.6")
    three.wait()
    told = "hello-es-default-2 cannot downgrade a node from version [9.6.0] to version [9.5.6]"
    assert told in three.cluster.story
    assert len(three.cluster.nodes) == 2


def test_a_new_node_is_not_older_than_all_others() -> None:
    world = World()
    world.start(0, "9.6.0")
    world.wait()
    world.start(1, "9.5.6")
    world.wait()
    assert list(world.cluster.nodes) == ["volume-0"]
    world.pods["volume-1"] = replace(world.pods["volume-1"], version="9.6.0")
    world.wait()
    assert len(world.cluster.nodes) == 2


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/_cluster/reroute", b"", 400),
        ("PUT", "/_nodes/volume-2/shutdown", b'{"type": "remove"}', 400),
        ("DELETE", "/_nodes/volume-2/shutdown", b"", 404),
        ("GET", "/_internal/desired_nodes/_latest", b"", 404),
        ("PUT", "/_internal/desired_nodes/h/1", b'{"nodes": [{"settings": {"node.name": "a"}}]}', 400),
    ],
)
def test_what_elasticsearch_refuses_is_refused(three: World, method: str, path: str, body: bytes, status: int) -> None:
    assert three.ask(method, path, body)[0] == status


def test_nobody_gets_in_without_the_password(three: World) -> None:
    for login in ("", "Basic " + base64.b64encode(b"elastic-internal:wrong").decode()):
        assert three.ask("GET", "/", login=login)[0] == 401


def test_desired_nodes_only_get_newer(three: World) -> None:
    def desire(version: int, name: str) -> int:
        body = f'{{"nodes": [{{"settings": {{"node.name": "{name}"}}, "memory": "2gb", "storage": "30gb"}}]}}'
        return three.ask("PUT", f"/_internal/desired_nodes/h/{version}", body.encode())[0]

    assert [desire(1, "a"), desire(2, "a"), desire(2, "a"), desire(2, "b"), desire(1, "a")] == [200, 200, 200, 400, 409]
    assert three.ask("GET", "/_internal/desired_nodes/_latest")[1]["version"] == 2
