"""How long a release waits for pods in trouble, and for news of an API server that has none."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from contract.blue_green import BLUE, GREEN
from kube.client import KubernetesApi, KubernetesObject
from release import waiting
from release.clock import SystemClock
from release.context import Context, Limits
from release.state import Trouble
from release.steps import AwaitReady
from release.waiting import Wait
from tests.http_server import Answer, Request, answering
from tests.unit.kube.test_client import kubeconfig
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


DEPLOYMENT: KubernetesObject = {
    "metadata": {"name": "api-green", "resourceVersion": "7", "generation": 1},
    "spec": {"replicas": 2},
    "status": {"observedGeneration": 1},
}
KNOWN = json.dumps({"type": "ADDED", "object": DEPLOYMENT}).encode() + b"\n"
"""What every watch begins with: the Deployment as the release has seen it."""

VERSION = {"groupVersion": "apps/v1", "version": "v1"}
DISCOVERY: dict[str, Any] = {
    "/version": {"major": "1", "minor": "36"},
    "/apis": {
        "kind": "APIGroupList",
        "groups": [{"name": "apps", "versions": [VERSION], "preferredVersion": VERSION}],
    },
    "/apis/apps/v1": {
        "kind": "APIResourceList",
        "resources": [{"name": "deployments", "kind": "Deployment", "namespaced": True, "verbs": ["watch"]}],
    },
}
"""Path and answer: what a client asks before its first watch."""

TICK = 0.02


def unanswered() -> Iterator[bytes]:
    """The headers of an answer, and nothing ever after."""
    threading.Event().wait(60)
    yield b""


def half_open() -> Iterator[bytes]:
    """As a connection that a NAT gateway forgot, once the watch has begun."""
    yield KNOWN
    yield from unanswered()


def dripping() -> Iterator[bytes]:
    """A byte now and then, and never the end of a line."""
    for _ in range(1000):
        time.sleep(TICK)
        yield b" "


def endless() -> Iterator[bytes]:
    """Events without news, long after the watch's time."""
    for _ in range(1000):
        time.sleep(TICK)
        yield KNOWN


def until_change(watch: Callable[[], Iterator[bytes]], *, times: int = 1) -> tuple[float, list[float]]:
    """The seconds that a release waits for news, and its pauses, with a real server that answers a watch so."""

    def api_server(request: Request) -> Answer:
        if "watch=" in request.path:
            return Answer(200, watch(), "application/json")
        return Answer(200, json.dumps(DISCOVERY[request.path]).encode(), "application/json")

    pauses: list[float] = []
    with answering(api_server) as address:
        context = Context(
            api=KubernetesApi(kubeconfig(address)),
            caller=FakeCaller(),
            clock=SystemClock(),
            report=list[str]().append,
            by="tester",
        )
        seen = service_state(slot(BLUE), slot(GREEN, revision(), 2, 0))
        state = replace(seen, versions=frozenset({("Deployment", "api-green", "7")}))
        began = time.monotonic()
        for _ in range(times):
            Wait(context, pauses.append).until_change(state, AwaitReady(GREEN))
        return time.monotonic() - began, pauses


@pytest.mark.parametrize("watch", [unanswered, half_open, dripping, endless])
def test_a_watch_that_never_has_news_and_never_ends_is_given_up(
    watch: Callable[[], Iterator[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time is none here, and its grace short: the limit is the sum, however often the server sends something."""
    grace = 0.3
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0)
    monkeypatch.setattr("kube.client.WATCH_GRACE_SECONDS", grace)
    seconds, _ = until_change(watch)
    assert grace * 0.9 <= seconds <= 2 * grace + 1, "the rest is a busy machine's"


def closed_at_once() -> Iterator[bytes]:
    """A watch that ends before it tells of anything."""
    yield from ()


def closed_early() -> Iterator[bytes]:
    """One that tells what is known, and ends."""
    yield KNOWN


def cut() -> Iterator[bytes]:
    """One whose event does not end."""
    yield KNOWN[:20]


def refused() -> Iterator[bytes]:
    """An error as an event; those of the API server's own have no reason.

    https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/status.go
    """
    error = {"kind": "Status", "status": "Failure", "code": 500, "message": "etcdserver: request timed out"}
    yield json.dumps({"type": "ERROR", "object": error}).encode() + b"\n"


def no_event() -> Iterator[bytes]:
    """Not JSON: a proxy's page."""
    yield b"<html>\n"


@pytest.mark.parametrize("watch", [closed_at_once, closed_early, cut, refused, no_event])
def test_a_watch_that_the_server_ends_again_and_again_is_begun_with_a_pause(
    watch: Callable[[], Iterator[bytes]],
) -> None:
    """Else the release would ask as fast as it can: nine requests a turn."""
    times = 5
    _, pauses = until_change(watch, times=times)
    assert pauses == [waiting.POLL_SECONDS / 4] * times


def test_a_watch_that_lasts_its_time_is_followed_by_a_look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.2)

    def whole() -> Iterator[bytes]:
        yield from itertools.islice(endless(), round(0.2 / TICK))

    _, pauses = until_change(whole)
    assert pauses == []
