"""How long a release waits for pods in trouble."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from contract.blue_green import BLUE, GREEN
from release.context import Context, Limits
from release.state import Trouble
from release.steps import AwaitReady
from release.waiting import Wait
from tests.unit.release.fake_cluster import FakeCaller, FakeClock, FakeCluster
from tests.unit.release.model import revision, service_state, slot

PULL = Trouble("ImagePullBackOff", "Back-off pulling image")


def failed_after(troubled: Iterable[bool]) -> int | None:
    """After how many looks, a second apart, a release with 30 s of patience fails."""
    clock = FakeClock()
    limits = Limits(patience=30, ready=10_000)
    cluster = FakeCluster(clock, [])
    context = Context(
        api=cluster, caller=FakeCaller(), clock=clock, report=list[str]().append, by="tester", limits=limits
    )
    wait = Wait(context, clock.sleep)
    for number, is_troubled in enumerate(troubled):
        green = slot(GREEN, revision(), 2, 0, troubles=(PULL,) if is_troubled else ())
        state = service_state(slot(BLUE), green)
        if wait.failure(state, AwaitReady(GREEN)) is not None:
            return number
        clock.sleep(1)
    return None


@pytest.mark.parametrize(
    ("troubled", "failed"),
    [
        ([True] * 60, 30),
        ([True, *[False] * 31, True, *[False] * 31, True], None),
        (([True] * 8 + [False] * 2) * 6, 30),
        ([True] * 20 + [False] * 20 + [True] * 20, None),
    ],
    ids=["it lasts", "it recurs for a second", "a container restarts in between", "it passed, and began again"],
)
def test_a_trouble_ends_a_release_when_it_lasts_and_is_forgotten_when_it_has_passed(
    troubled: list[bool], failed: int | None
) -> None:
    assert failed_after(troubled) == failed
