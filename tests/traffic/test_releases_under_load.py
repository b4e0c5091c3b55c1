"""No request is lost during switches, rollbacks and retirement: real requests, the real kube-proxy."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from statistics import median, quantiles

import pytest

from tests.traffic.load import Client, ClientLog, Load
from tests.traffic.moves import Mover, astray
from tests.traffic.site import CLIENT, HOST, NODES, Site

REQUESTS = 100_000
CYCLES = 5
MOST_CYCLES = 25
LONG = 5
"""Seconds of the long requests."""


@dataclass(frozen=True)
class Story:
    """The releases and the logs of the clients.

    Attributes:
        movers: By service.
        logs: Log of each client.
    """

    movers: dict[str, Mover]
    logs: dict[str, ClientLog]


@pytest.fixture(scope="module")
def story(serving: Site) -> Story:
    """Both services that the clients reach are released again and again, side by side, until there is enough of it."""
    movers = {service: Mover(serving, "prod", service) for service in ("gateway", "api")}
    with ExitStack() as stack:
        clients = {name: stack.enter_context(client) for name, client in clients_of(serving).items()}
        with ThreadPoolExecutor(len(movers)) as workers:
            list(workers.map(partial(go_on, clients=clients), movers.values()))
        logs = {name: client.end() for name, client in clients.items()}
    for name, one in logs.items():
        sys.stdout.write(f"{tell(name, one)}\n")
    return Story(movers, logs)


def clients_of(site: Site) -> dict[str, Client]:
    """Three kinds of clients, and one whose requests take long."""
    node_port = site.service("prod", "gateway")["spec"]["ports"][0]["nodePort"]
    door = Load("127.0.0.1", site.port, HOST)
    return {
        "new connections": Client(
            Load(NODES["prod"], node_port, HOST, path="/api", at_once=8, reuse=False, source=CLIENT),
            site.inside(),
        ),
        "the load balancer's pool": Client(replace(door, path="/api", at_once=64)),
        "a service's own pool": Client(replace(door, path="/api?call=http://api/api/x", at_once=8)),
        "long requests": Client(replace(door, path=f"/api?sleep={LONG}", at_once=8)),
    }


def go_on(mover: Mover, clients: dict[str, Client]) -> None:
    """Releases at least `CYCLES` times, and until there were `REQUESTS` answers."""
    for number in range(MOST_CYCLES):
        if number >= CYCLES and sum(client.answers() for client in clients.values()) >= REQUESTS:
            return
        mover.cycle()


def tell(name: str, log: ClientLog) -> str:
    """A line on what a client saw."""
    milliseconds = sorted(1000 * (one.answered - one.sent) for one in log.answers)
    return (
        f"{name}: {len(log.answers)} answers over {log.connections} connections, {len(log.failures)} failures; "
        f"median {median(milliseconds):.1f} ms, 99.9 % within {quantiles(milliseconds, n=1000)[-1]:.0f} ms"
    )


def test_no_request_fails(story: Story) -> None:
    assert {name: log.failures[:5] for name, log in story.logs.items() if log.failures} == {}


def test_there_were_enough_of_them(story: Story) -> None:
    assert sum(len(log.answers) for log in story.logs.values()) >= REQUESTS
    assert all(len(log.answers) > 100 for log in story.logs.values())
    for mover in story.movers.values():
        assert len(mover.moves) - mover.rollbacks >= 20
        assert mover.rollbacks >= 5
        assert len(mover.retirements) >= 10


def test_no_new_connection_reaches_the_old_slot_once_the_switch_has_returned(story: Story) -> None:
    assert astray(story.logs["new connections"].answers, story.movers["gateway"].moves) == []


def test_an_old_connection_stays_with_its_slot_for_its_warm_time_and_grace_and_no_longer(story: Story) -> None:
    for service, name in (("gateway", "the load balancer's pool"), ("api", "a service's own pool")):
        for retirement in story.movers[service].retirements:
            last = max((one.answered for one in story.logs[name].answers if one.by in retirement.pods), default=0)
            assert last <= retirement.began + retirement.grace


def test_requests_that_take_long_finish(story: Story) -> None:
    for one in story.logs["long requests"].answers:
        assert one.answered - one.sent >= LONG
