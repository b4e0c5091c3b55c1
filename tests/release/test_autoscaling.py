"""Kubernetes' own autoscaler during a release: the live slot grows, neither the idle nor the warm one shrinks."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

import versions
from contract import labels
from rehearsal import control_plane as kubernetes
from rehearsal.emulators import in_cluster
from rehearsal.emulators.aws import addons
from rehearsal.layout import Layout
from rehearsal.network import namespace
from rehearsal.toolchain import Toolchain
from release.errors import ExitCode
from release.goals import Deploy, Goal, Rollback
from tests.rehearsal.conftest import eventually
from tests.release.platform import QUICK, Platform, image

SERVICE = "busy"
METRICS = "metrics.k8s.io/v1beta1"
LIVE_PERCENT = 90
FEWEST, MOST_AT_FIRST, MOST = 2, 4, 6

LIMITS = replace(QUICK, lease=120)
SAMPLE_SECONDS = 10
"""The least that metrics-server takes between two samples (15 by default)."""

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
    kubernetes.wait_for_traffic(layout, print)  # it asks the API server by its Service
    objects = addons.objects("metrics-server", versions.METRICS_SERVER, "")
    (workload,) = (one for one in objects if one["kind"] == "Deployment")
    hurried = (f"--metric-resolution={SAMPLE_SECONDS}s", f"--kubelet-request-timeout={SAMPLE_SECONDS // 2}s")
    workload["spec"]["template"]["spec"]["containers"][0]["args"].extend(hurried)
    in_cluster.bring(platform.api, addons.mark("metrics-server"), objects, manager="eks")
    assert in_cluster.waits_for(platform.api, objects, 120) == []
    layout.load.write_text(json.dumps({f"dev/{SERVICE}": LIVE_PERCENT}))
    return platform


def change_autoscaler(platform: Platform, path: str, value: object) -> None:
    """Changes what of it is the program's."""
    patch = [{"op": "add", "path": path, "value": value}]
    platform.api.json_patch("autoscaling/v2", "HorizontalPodAutoscaler", SERVICE, patch, namespace="dev")


def live(platform: Platform) -> int:
    """How many pods the live slot shall have."""
    return platform.seen("dev", SERVICE).live_slot.desired


def duration(text: str) -> timedelta:
    """A time of less than an hour, as Kubernetes writes it: `9.9s`, `1m0.1s`."""
    minutes, _, seconds = text.rpartition("m")
    return timedelta(minutes=float(minutes or 0), seconds=float(seconds.removesuffix("s")))


def not_live(platform: Platform) -> int:
    """How many pods the other slot shall have, once the autoscaler had time to act on how things stand now."""
    since = datetime.now(UTC)

    def measured() -> bool:
        """Whether all that metrics-server says of each pod was measured since."""
        pods = platform.api.list("v1", "Pod", namespace="dev", label_selector=f"{labels.SERVICE}={SERVICE}")
        figures = {one["metadata"]["name"]: one for one in platform.api.list(METRICS, "PodMetrics", namespace="dev")}
        return all(pod["metadata"]["name"] in figures for pod in pods) and all(
            datetime.fromisoformat(one["timestamp"]) - duration(one["window"]) > since for one in figures.values()
        )

    eventually(measured, "metrics-server has measured every pod anew", 12 * SAMPLE_SECONDS)
    time.sleep(WINDOW + LOOKS)
    return platform.seen("dev", SERVICE).idle_slot.desired


def not_live_during(platform: Platform, goal: Goal, *, at: dict[str, str]) -> dict[str, int]:
    """How many pods the slot that is not live shall have in the middle of a release.

    Args:
        platform: Where the service is.
        goal: What shall be released.
        at: When: how the line begins that the tool then tells, by its name in the result.
    """
    found: dict[str, int] = {}

    def look(line: str) -> None:
        found.update({name: not_live(platform) for name, beginning in at.items() if line.startswith(beginning)})

    assert platform.run("dev", SERVICE, goal, limits=LIMITS, report=look).exit_code is ExitCode.DONE
    return found


def test_the_live_slot_grows_and_neither_the_idle_nor_the_warm_one_shrinks(busy: Platform) -> None:
    busy.add("dev", SERVICE, minimum=FEWEST, maximum=MOST_AT_FIRST)
    change_autoscaler(busy, "/spec/behavior", {"scaleUp": UP, "scaleDown": DOWN})
    assert busy.run("dev", SERVICE, Deploy(image(SERVICE)), limits=LIMITS).exit_code is ExitCode.DONE
    eventually(lambda: live(busy) == MOST_AT_FIRST, "the live slot grows as far as it may", 120)

    moments = {"before the switch": "Smoke test", "after it": "Watching"}
    assert not_live_during(busy, Deploy(image(SERVICE)), at=moments) == dict.fromkeys(moments, MOST_AT_FIRST)
    change_autoscaler(busy, "/spec/maxReplicas", MOST)
    eventually(lambda: live(busy) == MOST, "the slot that is live now grows", 120)
    assert not_live(busy) == MOST_AT_FIRST, "the warm one keeps its size"

    moments = {"before the switch": f"Service {SERVICE}: switching"}
    assert not_live_during(busy, Rollback(), at=moments) == dict.fromkeys(moments, MOST)
    assert not_live(busy) == MOST, "the one that is warm now keeps its size"
    eventually(lambda: live(busy) == MOST, "the live one is as large as its load wants", 120)
