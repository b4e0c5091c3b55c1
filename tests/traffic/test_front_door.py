"""What a real HAProxy does with the configuration that the front door makes; small servers stand for nodes."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rehearsal.front_door import haproxy
from rehearsal.front_door.following import Files, program, write
from rehearsal.front_door.routes import Objects, routes
from tests.rehearsal.conftest import eventually
from tests.traffic.load import Client, Load
from tests.traffic.upstream import Node
from tests.unit.rehearsal.front_door.cluster import DOMAIN, cluster, ingress, node, path, service

SOCKETS = haproxy.Sockets(staff="STAFF_SOCKET", outside="OUTSIDE_SOCKET")


@dataclass
class Door:
    """A running HAProxy.

    Attributes:
        files: Its configuration.
        port: Where staff come in.
        outside: Where everybody else does.
        process: Its master.
    """

    files: Files
    port: int
    outside: int
    process: subprocess.Popen[bytes]

    def get(self, host: str, path: str = "/", *, port: int | None = None, source: str = "127.0.0.1") -> tuple[int, str]:
        """Status and who answered."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, source_address=(source, 0), timeout=10)
        try:
            connection.request("GET", path, headers={"Host": host})
            answer = connection.getresponse()
            body = answer.read()
            return answer.status, str(json.loads(body)["pod"]) if body.startswith(b"{") else ""
        finally:
            connection.close()

    def follow(self, objects: Objects) -> None:
        """Goes on with other objects."""
        write(self.files, configuration(objects), SOCKETS)
        self.process.send_signal(signal.SIGUSR2)

    def workers(self) -> set[str]:
        """The processes that serve."""
        return set(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split())


def configuration(objects: Objects) -> str:
    return haproxy.configuration(routes(objects), domain=DOMAIN, sockets=SOCKETS)


@pytest.fixture
def dev() -> Iterator[Node]:
    with Node("dev", "127.0.1.1") as one:
        yield one


@pytest.fixture
def prod() -> Iterator[Node]:
    with Node("prod", "127.0.2.1") as one:
        yield one


def objects(dev: Node, prod: Node, **changes: Any) -> Objects:
    """The small cluster, its nodes being our servers."""
    quick = {"healthcheck_interval_seconds": "5", "healthcheck_timeout_seconds": "2"}
    services = [
        service(namespace, name, port, **quick)
        for namespace, port in (("dev", dev.port), ("prod", prod.port))
        for name in ("frontend", "gateway")
    ]
    nodes = [node("dev-1", "dev", dev.address), node("prod-1", "prod", prod.address)]
    return cluster(**{"services": services, "nodes": nodes, **changes})


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[Objects], Door]]:
    """Starts HAProxy for some objects."""
    if program() is None:
        pytest.skip("haproxy cannot be found: install haproxy")
    started: list[Door] = []

    def start(objects: Objects) -> Door:
        files = Files(tmp_path / "haproxy.cfg", tmp_path / "problem.txt")
        write(files, configuration(objects), SOCKETS)
        with socket.create_server(("127.0.0.1", 0)) as staff, socket.create_server(("127.0.0.1", 0)) as outside:
            descriptors = {SOCKETS.staff: staff.fileno(), SOCKETS.outside: outside.fileno()}
            process = subprocess.Popen(
                [program() or "", "-W", "-f", str(files.configuration)],
                pass_fds=list(descriptors.values()),
                env={**os.environ, **{name: str(number) for name, number in descriptors.items()}},
            )
            door = Door(files, staff.getsockname()[1], outside.getsockname()[1], process)
        started.append(door)
        eventually(lambda: door.get("nobody")[0] == 404, "an answer")
        return door

    yield start
    for door in started:
        door.process.terminate()
        door.process.wait()


def test_hosts_lead_to_their_environment_and_unknown_ones_nowhere(
    start: Callable[[Objects], Door], dev: Node, prod: Node
) -> None:
    door = start(objects(dev, prod))
    for host in (DOMAIN, DOMAIN.upper(), "hello.localhost", f"hello.localhost:{door.port}"):
        assert door.get(host) == (200, "prod"), host
    for host in (f"test.{DOMAIN}", f"test.hello.localhost:{door.port}"):
        assert door.get(host, "/api/x?y=z") == (200, "dev"), host
    for host in ("example.com", f"other.{DOMAIN}", "localhost", f"{DOMAIN}.evil.example"):
        assert door.get(host)[0] == 404, host
    assert door.get(f"log.{DOMAIN}")[0] == 503, "its Service does not exist"


def test_a_path_that_no_rule_fits_is_not_found_and_a_prefix_ends_at_a_slash(
    start: Callable[[Objects], Door], dev: Node, prod: Node
) -> None:
    one = ingress("prod", DOMAIN, path("/api", "gateway"), path("/only", "frontend", "Exact"))
    door = start(objects(dev, prod, ingresses=[one]))
    statuses = {
        text: door.get(DOMAIN, text)[0] for text in ("/api", "/api/", "/api/x", "/apix", "/only", "/only/", "/")
    }
    assert statuses == {"/api": 200, "/api/": 200, "/api/x": 200, "/apix": 404, "/only": 200, "/only/": 404, "/": 404}


def test_a_staff_host_is_forbidden_from_outside_its_ranges_and_open_from_inside(
    start: Callable[[Objects], Door], dev: Node, prod: Node
) -> None:
    kibana = service("logging", "kibana", dev.port)
    door = start(objects(dev, prod, services=[*objects(dev, prod).services, kibana], nodes=[node_of_logging(dev)]))
    assert door.get("log.hello.localhost") == (200, "dev")
    assert door.get("log.hello.localhost", port=door.outside)[0] == 403
    assert door.get("log.hello.localhost", source="127.0.0.2")[0] == 403
    assert door.get("log.hello.localhost", source="127.0.0.3")[0] == 403


def node_of_logging(dev: Node) -> Any:
    return node("logging-1", "logging", dev.address)


def test_everybody_may_call_a_host_of_a_class_without_a_list(
    start: Callable[[Objects], Door], dev: Node, prod: Node
) -> None:
    door = start(objects(dev, prod))
    assert door.get(DOMAIN, port=door.outside) == (200, "prod")
    assert "x-forwarded-for: 127.0.0.2" in prod.requests[-1].lower()
    assert "x-forwarded-proto: http\r\n" in prod.requests[-1].lower()


def test_new_connections_of_users_share_the_connections_to_nodes(
    start: Callable[[Objects], Door], dev: Node, prod: Node
) -> None:
    door = start(objects(dev, prod))
    for _ in range(20):
        assert door.get(DOMAIN) == (200, "prod")
    asked = [head for head in prod.requests if "ELB-HealthChecker" not in head]
    checks = len(prod.requests) - len(asked)
    assert len(asked) == 20
    assert prod.connections - checks <= 1


def test_targets_of_which_none_is_healthy_are_asked_all_the_same(
    start: Callable[[Objects], Door], dev: Node, prod: Node
) -> None:
    prod.status = "500 Broken"
    door = start(objects(dev, prod))
    eventually(lambda: sum("ELB-HealthChecker" in head for head in prod.requests) >= 4, "two bad checks of each")
    assert door.get(DOMAIN) == (500, "prod")


def test_no_request_is_lost_while_objects_change(start: Callable[[Objects], Door], dev: Node, prod: Node) -> None:
    door = start(objects(dev, prod))
    pooled = Load("127.0.0.1", door.port, DOMAIN, at_once=16)
    new = Load("127.0.0.1", door.port, DOMAIN, at_once=4, reuse=False)
    idle = Load("127.0.0.1", door.port, DOMAIN, at_once=4, pause=0.5)
    with Client(pooled) as first, Client(new) as second, Client(idle) as third:
        for number in range(5):
            before = door.workers()
            more = [*objects(dev, prod).nodes, *(node(f"more-{extra}", "dev", "127.0.1.2") for extra in range(number))]
            time.sleep(0.3)
            door.follow(objects(dev, prod, nodes=more))
            if number:  # otherwise it is what it was
                eventually(lambda before=before: bool(door.workers() - before), "a new worker")
        time.sleep(1)
        seen = [client.end() for client in (first, second, third)]
    assert [one.failures for one in seen] == [[], [], []]
    assert all(len(one.answers) > 20 for one in seen)


def test_a_request_that_takes_long_outlives_a_change(start: Callable[[Objects], Door], dev: Node, prod: Node) -> None:
    prod.delay = 3
    door = start(objects(dev, prod))
    with Client(Load("127.0.0.1", door.port, DOMAIN, at_once=3)) as client:
        time.sleep(1)
        door.follow(objects(dev, prod, nodes=[*objects(dev, prod).nodes, node("dev-2", "dev", "127.0.1.2")]))
        eventually(lambda: len(door.workers()) > 1, "the old worker beside the new one")
        seen = client.end()
    assert seen.failures == []
    assert len(seen.answers) >= 3


def test_a_lost_request_is_seen(start: Callable[[Objects], Door], dev: Node, prod: Node) -> None:
    door = start(objects(dev, prod))
    with Client(Load("127.0.0.1", door.port, f"log.{DOMAIN}", at_once=2)) as client:
        time.sleep(1)
        seen = client.end()
    assert seen.answers == []
    assert {failure.kind for failure in seen.failures} == {"503 Service Unavailable"}
