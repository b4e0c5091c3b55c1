"""Whole releases with hooks under load: Jobs that run, fail, and hang, each with what it wrote."""

from __future__ import annotations

import re
import sys

import pytest

from rehearsal import demo_images
from release.errors import ExitCode
from release.goals import Deploy, Retire
from release.hooks.values import HookRun
from release.run import Result
from tests.traffic.load import Client, ClientLog, Load
from tests.traffic.moves import slot
from tests.traffic.site import CLIENT, Site

RELEASE = "dev", "api"


class Told(list[str]):
    """What a release prints."""

    def hooks(self) -> list[str]:
        """What it prints of hooks: what they wrote, and how they ended."""
        return [line for line in self if " | " in line or re.fullmatch(r"Hook \w+: (done|failed: .*)", line)]


def release(site: Site, version: str) -> tuple[Result, Told, ClientLog]:
    """Releases a version of the api while others call it."""
    image = f"{site.outputs['repositories']['api']}@{demo_images.digest(version)}"
    told = Told()
    address = site.service(*RELEASE)["spec"]["clusterIP"]
    load = Load(address, 80, "api", path="/api", at_once=4, reuse=False, source=CLIENT)
    with Client(load, site.inside()) as client:
        result = site.release(*RELEASE, Deploy(image), surroundings={"report": told.append})
        return result, told, client.end()


def runs(site: Site) -> list[HookRun]:
    """The hooks of the newest release."""
    return list(site.state(*RELEASE).history[-1].hook_runs)


@pytest.mark.parametrize(
    ("version", "failure", "said"),
    [
        ("v2-broken", "exit code 3", ["beforeSwitch | no such table"]),
        ("v3-hangs", "DeadlineExceeded", []),
    ],
)
def test_a_hook_that_fails_before_the_switch_stops_the_release(
    serving: Site, version: str, failure: str, said: list[str]
) -> None:
    live = serving.state(*RELEASE).live
    result, told, log = release(serving, version)
    sys.stdout.write("\n".join(told))
    assert (result.exit_code, result.state.live) == (ExitCode.ROLLED_BACK, live)
    assert (log.failures, {slot(one.by) for one in log.answers}) == ([], {live}), "no user saw the version"
    before, undone = runs(serving)
    assert failure in str(before.failure)
    assert undone.failure is None
    assert set(said) <= set(told)
    assert f"afterRollback | undo {version}" in told
    assert any(line.startswith("Hook beforeSwitch: failed: ") and failure in line for line in told)
    if said:
        assert "no such table" in log_of(serving, before), "it is kept"


def log_of(site: Site, run: HookRun) -> str:
    """What the pod of a hook wrote, by the API server."""
    (pod,) = site.api.list("v1", "Pod", namespace=RELEASE[0], label_selector=f"batch.kubernetes.io/job-name={run.job}")
    return site.api.pod_log(str(pod["metadata"]["name"]), RELEASE[0], lines=50)


def test_a_hook_that_fails_after_the_switch_takes_the_release_back(serving: Site) -> None:
    live = serving.state(*RELEASE).live
    result, told, log = release(serving, "v4-late")
    assert (result.exit_code, result.state.live, log.failures) == (ExitCode.ROLLED_BACK, live, [])
    assert [run.failure for run in runs(serving)] == [None, "exit code 4", None], told


def test_a_whole_release_runs_each_hook_once(serving: Site) -> None:
    live = serving.state(*RELEASE).live
    result, told, log = release(serving, "v5")
    assert result.exit_code is ExitCode.DONE, result.message
    assert (result.state.live != live, log.failures) == (True, [])
    variables = "http://ai as 10001"
    assert told.hooks() == [
        f"beforeSwitch | expand for v5, with {variables}",
        "Hook beforeSwitch: done",
        "afterSwitch | warm the cache",
        "Hook afterSwitch: done",
    ]
    told.clear()
    result = serving.release(*RELEASE, Retire(now=True), surroundings={"report": told.append})
    assert result.exit_code is ExitCode.DONE, result.message
    assert [str(run.hook) for run in runs(serving)] == ["beforeSwitch", "afterSwitch", "afterRetire"]
    assert told.hooks()[-1] == "Hook afterRetire: done"
    for run in runs(serving):
        assert log_of(serving, run), "each has one pod"
