"""Kubernetes' own autoscaler during a release: the live slot grows, neither the idle nor the warm one shrinks."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

import pytest

import versions
from contract import labels
from rehearsal.emulators import in_cluster
from rehearsal.emulators.aws import addons
from rehearsal.layout import Layout
from rehearsal.network import namespace
from rehearsal.toolchain import Toolchain
from release.clock import SystemClock
from release.errors import ExitCode
from release.goals import Deploy, Goal, Rollback
from release.state import ServiceState
from tests.rehearsal.conftest import eventually
from tests.release.platform import QUICK, Platform, image

GROWS, RETURNS = "grows", "returns"
METRICS = "metrics.k8s.io/v1beta1"
LIVE_PERCENT = 90
FEWEST, MOST_AT_FIRST, MOST = 2, 4, 6

LIMITS = replace(QUICK, lease=300)
RELEASE_SECONDS = 300
"""Longest time of a release here, with its waits for the autoscaler."""

SAMPLE_SECONDS = 10
"""The least that metrics-server takes between two samples (15 by default).

https://github.com/kubernetes-sigs/metrics-server/blob/v0.9.0/cmd/metrics-server/app/options/options.go
"""

FLAGS = "--horizontal-pod-autoscaler-sync-period=1s --horizontal-pod-autoscaler-cpu-initialization-period=1s"
WINDOW = 4
"""Seconds that fewer pods have to be right for (300 by default): a switch and its retargeting take a while."""

LOOKS = 3
"""Seconds in which the autoscaler looks more than once; it takes all pods at once that it takes."""

AT_ONCE = {"policies": [{"type": "Percent", "value": 100, "periodSeconds": 1}]}
UP, DOWN = {**AT_ONCE, "stabilizationWindowSeconds": 0}, {**AT_ONCE, "stabilizationWindowSeconds": WINDOW}


@pytest.fixture(scope="module")
def tools(tools: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Toolchain:
    """The toolchain with an autoscaler that looks each second, not each quarter of a minute."""
    folder, hurried = tmp_path_factory.mktemp("programs"), "kube-controller-manager"
    for program in tools.kubernetes.parent.iterdir():
        (folder / program.name).symlink_to(program)
    (folder / hurried).unlink()
    (folder / hurried).write_text(f'#!/bin/sh\nexec "{tools.kubernetes_program(hurried)}" "$@" {FLAGS}\n')
    (folder / hurried).chmod(0o755)
    return replace(tools, kubernetes=folder / tools.kubernetes.name)


@pytest.fixture(scope="module")
def busy(platform: Platform) -> Platform:
    """A platform whose pods use 90 % of their CPU request while they are live, and else next to nothing."""
    if lacks := namespace.refusal():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lacks)
    layout = Layout(platform.kubeconfig.parent)
    objects = addons.objects("metrics-server", versions.METRICS_SERVER, "")
    (workload,) = (one for one in objects if one["kind"] == "Deployment")
    hurried = (f"--metric-resolution={SAMPLE_SECONDS}s", f"--kubelet-request-timeout={SAMPLE_SECONDS // 2}s")
    container = workload["spec"]["template"]["spec"]["containers"][0]
    container["args"].extend(hurried)
    container["readinessProbe"].update(initialDelaySeconds=0, periodSeconds=1)
    in_cluster.bring(platform.api, addons.mark("metrics-server"), objects, manager="eks")
    assert in_cluster.waits_for(platform.api, objects, 120) == []
    layout.load.write_text(json.dumps({f"dev/{service}": LIVE_PERCENT for service in (GROWS, RETURNS)}))
    return platform


@dataclass(frozen=True)
class Service:
    """A service, its live slot as large as its autoscaler lets it be.

    Attributes:
        platform: Where it is.
        name: Its name, on dev.
    """

    platform: Platform
    name: str

    @classmethod
    def grown(cls, platform: Platform, name: str) -> Self:
        """A new one, once its live slot has grown from `FEWEST` pods to `MOST_AT_FIRST`."""
        platform.add("dev", name, minimum=FEWEST, maximum=MOST_AT_FIRST)
        service = cls(platform, name)
        service.change_autoscaler("/spec/behavior", {"scaleUp": UP, "scaleDown": DOWN})
        service.release(Deploy(image(name)))
        service.grow(MOST_AT_FIRST)
        return service

    def change_autoscaler(self, path: str, value: object) -> None:
        """Changes what of it is the program's."""
        patch = [{"op": "add", "path": path, "value": value}]
        self.platform.api.json_patch("autoscaling/v2", "HorizontalPodAutoscaler", self.name, patch, namespace="dev")

    def release(self, goal: Goal, report: Callable[[str], None] = print) -> None:
        """Runs the release tool; a release that does not end fails."""
        result = self.platform.run("dev", self.name, goal, limits=LIMITS, report=report, clock=Deadline())
        assert result.exit_code is ExitCode.DONE, result.message

    def grow(self, pods: int) -> None:
        """Lets the live slot grow, and waits until it has."""
        self.change_autoscaler("/spec/maxReplicas", pods)
        eventually(lambda: self.seen().live_slot.desired == pods, f"the live slot of {self.name} grows to {pods}", 120)

    def seen(self) -> ServiceState:
        """How it stands."""
        return self.platform.seen("dev", self.name)

    def not_live(self) -> int:
        """How many pods the other slot shall have, once the autoscaler had time to act on how things stand now."""
        since, api = datetime.now(UTC), self.platform.api

        def measured() -> bool:
            """Whether all that metrics-server says of each pod was measured since."""
            selector = f"{labels.SERVICE}={self.name}"
            pods = {one["metadata"]["name"] for one in api.list("v1", "Pod", namespace="dev", label_selector=selector)}
            figures = {one["metadata"]["name"]: one for one in api.list(METRICS, "PodMetrics", namespace="dev")}
            return pods <= figures.keys() and all(
                datetime.fromisoformat(one["timestamp"]) - duration(one["window"]) > since
                for name, one in figures.items()
                if name in pods
            )

        eventually(measured, "metrics-server has measured every pod anew", 12 * SAMPLE_SECONDS)
        time.sleep(WINDOW + LOOKS)
        return self.seen().idle_slot.desired


class Deadline(SystemClock):
    """The system's clock; a release that asks it later than `RELEASE_SECONDS` after its beginning fails."""

    def __init__(self) -> None:
        self._end = super().now() + timedelta(seconds=RELEASE_SECONDS)

    def now(self) -> datetime:
        """The current time, UTC."""
        now = super().now()
        assert now < self._end, f"the release has not ended within {RELEASE_SECONDS} s"
        return now


def duration(text: str) -> timedelta:
    """A time of less than an hour, as Kubernetes writes it: `9.9s`, `1m0.1s`."""
    minutes, _, seconds = text.rpartition("m")
    return timedelta(minutes=float(minutes or 0), seconds=float(seconds.removesuffix("s")))


def deploy(platform: Platform) -> None:
    """A deploy: the idle slot before its switch, and the warm one after it, while the live one grows."""
    service, found = Service.grown(platform, GROWS), dict[str, int]()

    def look(line: str) -> None:
        if line.startswith("Smoke test"):
            found["idle"] = service.not_live()
        elif line.startswith("Watching"):
            service.grow(MOST)
            found["warm"] = service.not_live()

    service.release(Deploy(image(GROWS)), look)
    assert found == {"idle": MOST_AT_FIRST, "warm": MOST_AT_FIRST}
    assert (service.seen().live_slot.desired, service.seen().idle_slot.desired) == (MOST, MOST_AT_FIRST)


def roll_back(platform: Platform) -> None:
    """A rollback: the warm slot, switched to as it is and grown afterwards, and the one that was live after it."""
    service, found = Service.grown(platform, RETURNS), dict[str, int]()
    service.release(Deploy(image(RETURNS)))
    service.grow(MOST)

    def look(line: str) -> None:
        if line.startswith(f"Service {RETURNS}: switching"):
            found["to be live"] = service.not_live()

    service.release(Rollback(keep_failed=True), look)
    assert found == {"to be live": MOST_AT_FIRST}, "it serves, and users do not wait until it is as large as the other"
    assert service.not_live() == MOST, "the one that was live is warm, and keeps its size"
    eventually(lambda: service.seen().live_slot.desired == MOST, "the live one is as large as its load wants", 120)


def test_the_live_slot_grows_and_neither_the_idle_nor_the_warm_one_shrinks(busy: Platform) -> None:
    """Side by side, since most of it is waiting for metrics-server."""
    with ThreadPoolExecutor() as threads:
        for story in [threads.submit(deploy, busy), threads.submit(roll_back, busy)]:
            story.result()
