"""The tool is killed at some calls, and the API server fails at some, on a real control plane.

At every call, against a virtual clock: `tests/unit/release/test_run.py`.
"""

from __future__ import annotations

import itertools
import random
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from contract.blue_green import SLOTS, lock_name
from rehearsal import demo_images
from release.errors import ExitCode
from release.goals import Deploy
from release.history import Outcome
from tests.release.platform import QUICK, Platform, image
from tests.unit.release.faults import Fault, Faulty, KilledError

SERVICES = [f"crash-{number}" for number in range(6)]
"""Each on a thread of its own: what a release waits for costs no time of ours."""

LIMITS = replace(QUICK, watch=0.1, lease=1, lock=20)

EVERY = 5
"""Of how many calls one is sampled."""

SAMPLES = 20
SEED = 5


@pytest.fixture(scope="module")
def services(platform: Platform) -> list[str]:
    """Services with a version live."""

    def make(service: str) -> str:
        platform.add("dev", service, minimum=1)
        platform.run("dev", service, Deploy(image(service)), limits=LIMITS)
        return service

    with ThreadPoolExecutor(len(SERVICES)) as pool:
        return list(pool.map(make, SERVICES))


CHANGES = ("patch Service", "apply Deployment", "patch HorizontalPodAutoscaler", "patch ConfigMap")


def check(platform: Platform, service: str, wanted: str, when: str) -> None:
    seen = platform.seen("dev", service)
    assert seen.live_slot.is_ready, when
    assert seen.live_slot.revision is not None
    assert seen.live_slot.revision.image == wanted, when
    assert seen.autoscaled == seen.live, when
    assert set(seen.active_endpoints) == {seen.live}, when
    assert seen.history[-1].outcome is Outcome.RELEASED, when
    assert platform.holder(service) is None, f"{when}: locked"


def test_killed_after_a_call_the_live_slot_is_ready_and_the_next_run_finishes(
    platform: Platform, services: list[str]
) -> None:
    numbers = itertools.count(1, EVERY)
    killed: Counter[str] = Counter()

    def kill(service: str, at: int | str) -> bool:
        """Whether it came to that call."""
        wanted = image(service)
        faulty = Faulty(platform.api, at=at, fault="killed")
        try:
            platform.run("dev", service, Deploy(wanted), api=faulty, limits=LIMITS)
        except KilledError:
            pass
        else:
            return False
        when = f"killed after call {at}, {faulty.calls[-1]}"
        assert platform.seen("dev", service).live_slot.is_ready, when
        assert platform.run("dev", service, Deploy(wanted), limits=LIMITS).exit_code is ExitCode.DONE, when
        check(platform, service, wanted, when)
        killed[" ".join(faulty.calls[-1].split()[:2])] += 1
        return True

    def kill_again_and_again(service: str) -> None:
        while kill(service, next(numbers)):
            pass

    with ThreadPoolExecutor(len(services)) as pool:
        list(pool.map(kill_again_and_again, services))
        assert killed.total() > 60 / EVERY
        # Whether a sampled call is a change is chance.
        missing = [change for change in CHANGES if not killed[change]]
        for change, happened in zip(missing, pool.map(kill, services, missing), strict=True):
            assert happened, f"no run came to {change}"
    print(f"killed after {killed.total()} calls, every next run finished: {dict(killed)}")


def test_a_call_that_fails_once_does_not_end_a_release(platform: Platform, services: list[str]) -> None:
    chance = random.Random(SEED)  # noqa: S311 - the same points each time
    faults = [one for one in get_args(Fault) if one not in ("killed", "stalled")]
    points = iter([(chance.randint(1, 80), chance.choice(faults)) for _ in range(SAMPLES)])
    failed: Counter[str] = Counter()

    def fail(service: str) -> None:
        for number, fault in points:
            wanted = image(service)
            faulty = Faulty(platform.api, at=number, fault=fault)
            when = f"{fault} at call {number}"
            result = platform.run("dev", service, Deploy(wanted), api=faulty, limits=LIMITS)
            assert result.exit_code is ExitCode.DONE, when
            check(platform, service, wanted, when)
            failed[fault] += faulty.happened

    with ThreadPoolExecutor(len(services)) as pool:
        list(pool.map(fail, services))
    print(f"{failed.total()} of {SAMPLES} sampled calls failed once, every release finished: {dict(failed)}")
    assert failed.total() >= SAMPLES * 3 / 4


@pytest.mark.usefixtures("traffic")
@pytest.mark.parametrize("line", ["bringing in", "switching", "Watching"])
def test_a_process_that_is_killed_leaves_a_release_that_goes_on(
    platform: Platform, services: list[str], line: str
) -> None:
    service = services[SLOTS.index("green") if line == "switching" else 0]
    wanted = image(service)
    tool = start(platform, service, wanted)
    assert tool.stderr is not None
    assert any(line in told for told in tool.stderr)
    tool.kill()
    tool.wait()
    tool.stderr.close()
    assert platform.seen("dev", service).live_slot.is_ready
    assert platform.holder(service) is not None, "its lock is left behind"
    let_expire(platform, service)
    assert platform.run("dev", service, Deploy(wanted), limits=LIMITS).exit_code is ExitCode.DONE
    check(platform, service, wanted, line)


@pytest.mark.usefixtures("traffic")
@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("line", ["pods are ready", "Watching"])
def test_a_process_that_is_interrupted_says_so_ends_soon_and_gives_the_lock_back(
    platform: Platform, services: list[str], line: str, signal_number: signal.Signals
) -> None:
    service = services[2]
    wanted = image(service, demo_images.Fault.SLOW_START if line == "pods are ready" else None)
    tool = start(platform, service, wanted, "--watch-for", "30")
    assert tool.stderr is not None
    assert any(line in told for told in tool.stderr)
    tool.send_signal(signal_number)
    _, told = tool.communicate(timeout=8)
    assert tool.returncode == ExitCode.INTERRUPTED
    assert "Run the same command again" in told
    assert platform.seen("dev", service).live_slot.is_ready
    assert platform.holder(service) is None
    assert platform.run("dev", service, Deploy(wanted), limits=LIMITS).exit_code is ExitCode.DONE
    check(platform, service, wanted, line)


def start(platform: Platform, service: str, wanted: str, *more: str) -> subprocess.Popen[str]:
    """The tool as a pipeline starts it."""
    words = ["deploy", "dev", service, "--image", wanted, "--no-image-tags"]
    words += ["--json", "--kubeconfig", str(platform.kubeconfig)]
    return subprocess.Popen(
        # A shell's background job, which these tests may be, ignores SIGINT, and so would all that it starts.
        ["env", "--default-signal=INT", sys.executable, "-m", "release", *words, *more],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def let_expire(platform: Platform, service: str) -> None:
    """As if the lock's minute had passed."""
    past = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    patch = [
        {"op": "replace", "path": "/spec/renewTime", "value": past},
        {"op": "replace", "path": "/spec/leaseDurationSeconds", "value": 1},
    ]
    platform.api.json_patch("coordination.k8s.io/v1", "Lease", lock_name(service), patch, namespace="dev")
