"""Requests are served while other programs restart: the data path does not need the control plane."""

from __future__ import annotations

import os
import signal
import time

import pytest

from rehearsal.front_door.running import FOLLOWER, FRONT_DOOR
from rehearsal.processes import ProcessTable
from release.errors import ExitCode
from release.goals import Deploy
from tests.rehearsal.conftest import eventually
from tests.traffic.load import Client, Load
from tests.traffic.site import CLIENT, HOST, NODES, Site

AWAY = 3
"""Seconds that a program is away at least."""

BESIDE = (FOLLOWER, "aws", "kube-proxy", "kube-controller-manager", "kube-scheduler", "kube-apiserver")


def clients(site: Site) -> tuple[Client, Client]:
    """Through the front door, and by new connections to the node."""
    node_port = site.service("prod", "gateway")["spec"]["ports"][0]["nodePort"]
    pooled = Load("127.0.0.1", site.port, HOST, path="/api", at_once=32)
    new = Load(NODES["prod"], node_port, HOST, path="/api", at_once=4, reuse=False, source=CLIENT)
    return Client(pooled), Client(new, site.inside())


@pytest.mark.parametrize("name", BESIDE)
def test_requests_are_answered_while_a_program_beside_them_is_killed_and_started(serving: Site, name: str) -> None:
    through, new = clients(serving)
    with through, new:
        time.sleep(1)
        serving.kill(name)
        time.sleep(AWAY)
        counts = [client.answers() for client in (through, new)]
        serving.start()
        time.sleep(1)
        logs = [client.end() for client in (through, new)]
    assert [one.failures for one in logs] == [[], []]
    assert all(len(one.answers) > count > 0 for one, count in zip(logs, counts, strict=True))


def test_requests_are_answered_while_the_front_door_restarts(serving: Site) -> None:
    (door,) = [one for one in ProcessTable(serving.layout.processes).running() if one.name == FRONT_DOOR]
    through, new = clients(serving)
    with through, new:
        for _ in range(3):
            time.sleep(1)
            os.kill(door.pid, signal.SIGUSR2)
        time.sleep(1)
        logs = [client.end() for client in (through, new)]
    assert [one.failures for one in logs] == [[], []]


def test_a_killed_front_door_comes_back_where_it_was(serving: Site) -> None:
    serving.kill(FRONT_DOOR)
    eventually(lambda: serving.get(HOST)[0] is None, "nobody answers")
    serving.start()
    eventually(lambda: serving.get(HOST)[0] == 200, "the front door answers again")


def test_after_all_that_a_release_goes_on_and_moves_requests(serving: Site) -> None:
    result = serving.release("prod", "gateway", Deploy(serving.new_image("prod", "gateway")))
    assert result.exit_code is ExitCode.DONE
    through, new = clients(serving)
    with through, new:
        time.sleep(1)
        logs = [client.end() for client in (through, new)]
    assert [one.failures for one in logs] == [[], []]
    assert {f"gateway-{result.state.live}" in one.by for one in logs[1].answers} == {True}
