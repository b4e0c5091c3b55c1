"""A canary under load, through the real controller and the front door: no failure, exact shares, back at once.

The frontend of prod is released by weight; clients keep their connections to the load balancer, and the load balancer
those to the nodes, so that only a switch of each request can move them.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from release.errors import ExitCode
from release.goals import Deploy, Resume, Rollback
from release.pauses import BEFORE_SWITCH
from release.state import ServiceState, other
from tests.rehearsal.conftest import eventually
from tests.traffic.load import Answer, Client, Load
from tests.traffic.site import HOST, Site, tell

STEPS = (10, 50, 100)
MOST_OFF = 0.02
"""Of a share: what it may differ from its weight."""

DOOR_SECONDS = 6.0
"""Until the front door has followed the rules, where a load balancer has nodes of its own.

It reads them every second; on a machine with several times more work than cores that has taken 4.3 s.
"""


@dataclass
class Watched:
    """Weights as the load balancer's rules got them, and when; times of the monotonic clock.

    Attributes:
        site: Where.
        asked: When the Ingress got each weight of the new slot, by weight.
        effective: When the rules were first seen to have it.
        ended: When it was over.
    """

    site: Site
    asked: dict[int, float] = field(default_factory=dict[int, float])
    effective: dict[int, float] = field(default_factory=dict[int, float])
    ended: dict[int, float] = field(default_factory=dict[int, float])
    new: str = ""

    def weights(self, state: ServiceState) -> Mapping[str, int] | None:
        """The weights in the rules."""
        found = self.site.weights(state)
        if found and found == state.weights and sum(found.values()):
            self.effective.setdefault(found[self.new], time.monotonic())
        return found

    def report(self, line: str) -> None:
        """Notes when a weight is asked for."""
        tell(line)
        if line.startswith("Load balancer: "):
            weight = int(line.split()[2])
            share = weight if line.endswith(self.new) else 100 - weight
            now = time.monotonic()
            self.ended |= {one: now for one in self.asked if one not in self.ended}
            self.asked.setdefault(share, now)


def pods_of(site: Site, slot: str) -> set[str]:
    return {str(one["metadata"]["name"]) for one in site.pods("prod", "frontend", slot)}


def load(site: Site) -> Client:
    return Client(Load("127.0.0.1", site.port, HOST, path="/", at_once=64))


def share(answers: list[Answer], pods: set[str], begin: float, end: float) -> tuple[int, float]:
    """The number of requests that were sent between two times, and the share of them that these pods answered."""
    found = [one for one in answers if begin <= one.sent and one.answered <= end]
    return len(found), sum(one.by in pods for one in found) / max(1, len(found))


def answered_by(site: Site, preview: str | None = None, *, outside: bool = False) -> set[str]:
    """The pods that answer at the real host, with a value of the header or without it."""
    headers = {} if preview is None else {"X-Preview": preview}
    answers = [site.get(HOST, outside=outside, headers=headers) for _ in range(20)]
    assert {status for status, _ in answers} == {200}, answers
    return {found.group(1) for _, body in answers if (found := re.search(r'"pod": "([^"]*)"', body))}


def test_shares_follow_the_weights_and_no_request_fails(serving: Site) -> None:
    watched = Watched(serving, new=other(serving.state("prod", "frontend").live))
    image = serving.new_image("prod", "frontend")
    with load(serving) as client:
        time.sleep(2)
        result = serving.release(
            "prod",
            "frontend",
            Deploy(image, canary=STEPS, step_seconds=10),
            surroundings={"weights": watched.weights, "report": watched.report},
        )
        now = pods_of(serving, watched.new)
        time.sleep(3)
        log = client.end()
    assert result.exit_code is ExitCode.DONE, result.message
    assert log.failures == []
    for weight in STEPS:
        count, found = share(
            log.answers, now, watched.effective[weight] + DOOR_SECONDS, watched.ended.get(weight, time.monotonic())
        )
        took = watched.effective[weight] - watched.asked[weight]
        sys.stdout.write(f"{weight} %: {100 * found:.2f} % of {count} requests; rules in effect after {took:.2f} s\n")
        assert count > 1000
        assert abs(found - weight / 100) <= MOST_OFF
    assert len(log.answers) >= 10_000


def test_a_rollback_moves_all_requests_at_once_and_none_fails(serving: Site) -> None:
    old = other(serving.state("prod", "frontend").live)
    watched = Watched(serving, new=old)
    left = pods_of(serving, other(old))
    with load(serving) as client:
        time.sleep(2)
        began = time.monotonic()
        result = serving.release(
            "prod", "frontend", Rollback(), surroundings={"weights": watched.weights, "report": watched.report}
        )
        time.sleep(2)
        log = client.end()
    assert result.exit_code is ExitCode.DONE, result.message
    assert log.failures == []
    last = max(one.sent for one in log.answers if one.by in left)
    sys.stdout.write(
        f"rollback: rules in effect {watched.effective[100] - began:.2f} s after the command, last request to the slot "
        f"that was left after {last - began:.2f} s; {len(log.answers)} requests\n"
    )
    assert last <= watched.effective[100] + DOOR_SECONDS


def test_the_staff_alone_see_the_idle_slot_at_the_real_host_before_the_switch(serving: Site) -> None:
    idle = other(serving.state("prod", "frontend").live)
    image = serving.new_image("prod", "frontend")
    result = serving.release("prod", "frontend", Deploy(image, canary=(), pauses=(BEFORE_SWITCH,)))
    assert result.exit_code is ExitCode.PAUSED, result.message
    old, new = pods_of(serving, other(idle)), pods_of(serving, idle)
    release = serving.state("prod", "frontend").history[-1].id
    eventually(lambda: answered_by(serving, "idle") <= new, "the front door leads to the idle slot")
    assert answered_by(serving) <= old
    assert answered_by(serving, "idle", outside=True) <= old, "the header alone is no key"
    assert answered_by(serving, "other") <= old
    result = serving.release("prod", "frontend", Resume(release, by="tester"))
    assert result.exit_code is ExitCode.DONE, result.message
    assert answered_by(serving, outside=True) <= new
