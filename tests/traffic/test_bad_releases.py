"""A bad version is rolled back automatically, under traffic; lost requests are counted."""

from __future__ import annotations

import sys
import time

import pytest

from rehearsal.demo_images import Fault
from rehearsal.pod_simulator.answers import SLOW_SECONDS
from release.errors import ExitCode
from release.goals import Deploy, Retire, Switch
from release.state import other
from tests.rehearsal.conftest import eventually
from tests.traffic.load import Client, ClientLog, Load
from tests.traffic.moves import slot
from tests.traffic.site import CLIENT, HOST, NODES, Site

BEFORE_THE_SWITCH = (
    Fault.CANNOT_BE_PULLED,
    Fault.CRASH_LOOP,
    Fault.NEVER_READY,
    Fault.SMOKE_TEST,
    Fault.ERRORS,
)
ONLY_UNDER_TRAFFIC = (Fault.BREAKS_UNDER_TRAFFIC, Fault.SLOW)

WATCHED = 5
"""Seconds that the release tool compares answers: half of the default."""


def deploy(site: Site, fault: Fault, *, ready: float = 10) -> tuple[ExitCode, str, list[ClientLog]]:
    """Deploys a version under traffic; tells how that ended, which slot is live, and what clients saw.

    A pool alone would show little of a version: its connections stay with the slot from before.
    """
    node_port = site.service("prod", "gateway")["spec"]["ports"][0]["nodePort"]
    pooled = Load("127.0.0.1", site.port, HOST, path="/api", at_once=16)
    new = Load(NODES["prod"], node_port, HOST, path="/api", at_once=8, reuse=False, source=CLIENT)
    with Client(pooled) as first, Client(new, site.inside()) as second:
        image = site.new_image("prod", "gateway", fault)
        result = site.release("prod", "gateway", Deploy(image), ready=ready, watch=WATCHED)
        # Every client has a request under way, which may be a slow one.
        time.sleep(SLOW_SECONDS + 1 if fault is Fault.SLOW else 1)
        return result.exit_code, result.state.live, [first.end(), second.end()]


@pytest.mark.parametrize("fault", BEFORE_THE_SWITCH)
def test_a_fault_that_shows_before_the_switch_costs_nobody_anything(serving: Site, fault: Fault) -> None:
    live = serving.state("prod", "gateway").live
    code, after, logs = deploy(serving, fault)
    assert (code, after) == (ExitCode.ROLLED_BACK, live)
    assert [one.failures for one in logs] == [[], []]
    assert {slot(answer.by) for one in logs for answer in one.answers} == {live}


@pytest.mark.parametrize("fault", ONLY_UNDER_TRAFFIC)
def test_a_fault_that_only_traffic_shows_is_taken_back_after_a_while(serving: Site, fault: Fault) -> None:
    live = serving.state("prod", "gateway").live
    code, after, logs = deploy(serving, fault)
    assert (code, after) == (ExitCode.ROLLED_BACK, live)
    for name, one in zip(("pooled", "new connections"), logs, strict=True):
        slow = sum(answer.answered - answer.sent > SLOW_SECONDS / 2 for answer in one.answers)
        total = len(one.answers) + len(one.failures)
        sys.stdout.write(f"{fault}, {name}: of {total} requests {len(one.failures)} failed, {slow} were slow\n")
        assert slot(one.answers[-1].by) == live
    assert (fault is Fault.SLOW) != bool(logs[1].failures)


def test_a_slow_start_is_waited_for_and_costs_nobody_anything(serving: Site) -> None:
    live = serving.state("prod", "gateway").live
    code, after, logs = deploy(serving, Fault.SLOW_START, ready=120)
    assert code is ExitCode.DONE
    assert after != live
    assert [one.failures for one in logs] == [[], []]


def test_what_a_version_costs_that_holds_its_connections_to_the_end_is_counted(serving: Site) -> None:
    """Its server does not end connections on SIGTERM: they break when its grace period is over."""
    serving.release("prod", "gateway", Deploy(serving.new_image("prod", "gateway", Fault.HOLDS_CONNECTIONS)))
    load = Load("127.0.0.1", serving.port, HOST, path="/api", at_once=32)
    with Client(load) as client:
        holding = serving.state("prod", "gateway").live
        serving.release("prod", "gateway", Switch())
        serving.release("prod", "gateway", Retire(now=True))
        eventually(lambda: not serving.pods("prod", "gateway", holding), "the end of its pods", 120)
        gone = time.monotonic()
        time.sleep(2)
        log = client.end()
    sys.stdout.write(f"{Fault.HOLDS_CONNECTIONS}: {len(log.failures)} of {len(log.answers)} requests failed\n")
    assert len(log.failures) <= load.at_once
    assert {slot(one.by) for one in log.answers if one.sent > gone} == {other(holding)}
