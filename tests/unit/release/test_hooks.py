"""Hooks: each runs once, with the slot's image and configuration, whoever goes on with the release or dies."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest

from contract.blue_green import BLUE, GREEN, HOOKS
from kube.client import KubernetesApiError
from release.duties import Circumstances, Policy, due
from release.errors import ExitCode
from release.goals import Deploy, Goal, Retire, Rollback, Switch
from release.history import Entry, Outcome
from release.hooks import jobs
from release.hooks.values import Hook, HookRun, HookSettings
from release.steps import (
    Analyze,
    ApplyTemplate,
    EndHook,
    Finish,
    RunHook,
    Scale,
    SmokeTestSlot,
    SwitchActive,
)
from tests.unit.release.faults import Faulty, KilledError
from tests.unit.release.model import EVERY_HOOK, NOW, entry, image, revision, service_state, slot
from tests.unit.release.test_plan import follow
from tests.unit.release.test_reconciler import Actor, end
from tests.unit.release.test_run import FIRST, SECOND, Fixture

OLD, NEW = revision("good", 1), revision("good", 2)

COMMANDS = {hook: {"command": ["./migrate"], "args": [str(hook)], "timeoutSeconds": 60} for hook in Hook}


def with_hooks(fixture: Fixture, *hooks: Hook) -> Fixture:
    """The same service, with these hooks."""
    value = json.dumps({hook: COMMANDS[hook] for hook in hooks or Hook})
    change = [{"op": "add", "path": f"/metadata/annotations/{HOOKS.replace('/', '~1')}", "value": value}]
    fixture.cluster.json_patch("v1", "PodTemplate", "api", change, namespace="dev")
    return fixture


def ran(fixture: Fixture) -> list[str]:
    """The hooks whose Jobs were started, in their order."""
    return [name.split("-")[1] for name in fixture.cluster.hook_runs]


def test_the_steps_of_a_deploy_with_hooks() -> None:
    start = service_state(slot(BLUE, OLD, 3), slot(GREEN), hooks=EVERY_HOOK)
    _, steps, _ = follow(start, Deploy(NEW.image))
    shown = [step for step in steps if isinstance(step, ApplyTemplate | RunHook | EndHook | Scale | SwitchActive)]
    assert shown == [
        ApplyTemplate(GREEN, NEW.image, 0),
        RunHook(Hook.BEFORE_SWITCH, GREEN),
        EndHook(Hook.BEFORE_SWITCH, GREEN),
        Scale(GREEN, 3),
        SwitchActive(GREEN),
        RunHook(Hook.AFTER_SWITCH, GREEN),
        EndHook(Hook.AFTER_SWITCH, GREEN),
    ]
    kinds = [type(step) for step in steps]
    assert kinds.index(Analyze) < steps.index(RunHook(Hook.AFTER_SWITCH, GREEN))


@pytest.mark.parametrize("hook", [Hook.BEFORE_SWITCH, Hook.AFTER_SWITCH])
def test_a_hook_that_fails_takes_the_release_back_and_that_is_a_hook_of_its_own(hook: Hook) -> None:
    start = service_state(slot(BLUE, OLD, 3), slot(GREEN), hooks=EVERY_HOOK)
    world, steps, _ = follow(start, Deploy(NEW.image), failing=frozenset({hook}))
    assert (world.state.live, world.state.history[-1].outcome) == (BLUE, Outcome.FAILED)
    assert RunHook(Hook.AFTER_ROLLBACK, GREEN) in steps
    if hook is Hook.BEFORE_SWITCH:
        assert not any(isinstance(step, SmokeTestSlot | SwitchActive) for step in steps)


def test_what_fails_before_any_hook_has_begun_is_not_undone_by_one() -> None:
    only_after = tuple(one for one in EVERY_HOOK if one.hook is not Hook.BEFORE_SWITCH)
    start = service_state(slot(BLUE, OLD, 3), slot(GREEN), hooks=only_after)
    _, steps, _ = follow(start, Deploy(image("never ready")))
    assert not any(isinstance(step, RunHook) for step in steps)


def test_a_rollback_runs_the_hook_of_the_slot_that_it_left_and_its_failure_undoes_nothing() -> None:
    start = service_state(slot(BLUE, NEW, 3), slot(GREEN, OLD, 3), hooks=EVERY_HOOK, history=(entry(GREEN, OLD),))
    world, steps, _ = follow(start, Rollback(), failing=frozenset({Hook.AFTER_ROLLBACK}))
    assert RunHook(Hook.AFTER_ROLLBACK, BLUE) in steps
    assert (world.state.live, world.state.history[-1].outcome) == (GREEN, Outcome.RELEASED)
    assert [run.failure for run in world.state.history[-1].hook_runs] == ["exit code 1"]
    assert isinstance(steps[-1], Finish)


def released(**more: Any) -> Entry:
    return replace(entry(BLUE, NEW, previous=OLD), hooks=EVERY_HOOK, **more)


@pytest.mark.parametrize(
    ("history", "green", "goal", "runs"),
    [
        ((released(),), slot(GREEN, OLD), Retire(now=True), True),
        ((released(),), slot(GREEN, OLD, 2), Retire(now=True), True),
        ((released(),), slot(GREEN, OLD), Retire(), False),
        ((replace(released(), hooks=()),), slot(GREEN, OLD), Retire(now=True), False),
        ((replace(released(), previous=None),), slot(GREEN, OLD), Retire(now=True), False),
        ((released(hook_runs=(HookRun(Hook.AFTER_RETIRE, "x"),)),), slot(GREEN, OLD), Retire(now=True), False),
    ],
    ids=["retired", "to be retired", "warm time not over", "hook added later", "first release", "has run"],
)
def test_the_hook_after_retirement_runs_once_the_version_before_is_gone_for_good(
    history: tuple[Entry, ...], green: Any, goal: Goal, runs: bool
) -> None:
    start = service_state(slot(BLUE, NEW, 2), green, hooks=EVERY_HOOK, history=history)
    world, steps, _ = follow(start, goal)
    assert (RunHook(Hook.AFTER_RETIRE, BLUE) in steps) == runs
    if runs:
        assert (world.state.green.desired, world.state.green.pods) == (0, 0)
        assert [run.hook for run in world.state.history[-1].hook_runs] == [Hook.AFTER_RETIRE]


def test_the_reconciler_has_the_hook_after_retirement_run_when_its_time_has_come() -> None:
    over = replace(released(), warm_seconds=0)
    state = service_state(slot(BLUE, NEW, 2), slot(GREEN, OLD), history=(over,))
    assert due(state, Circumstances(), Policy()) == Retire()
    assert due(replace(state, history=(released(),)), Circumstances(), Policy()) is None
    assert due(replace(state, history=(replace(over, hooks=()),)), Circumstances(), Policy()) is None


def test_a_release_runs_its_hooks_with_its_image_and_shows_what_they_wrote() -> None:
    fixture = with_hooks(Fixture())
    assert fixture.run(Deploy(SECOND)).exit_code is ExitCode.DONE
    assert ran(fixture) == ["beforeswitch", "afterswitch"]
    assert "beforeSwitch | migrated" in fixture.lines
    (before, _) = fixture.cluster.list("batch/v1", "Job", namespace="dev")
    template = before["spec"]["template"]
    (container,) = template["spec"]["containers"]
    assert (container["image"], container["command"], container["args"]) == (SECOND, ["./migrate"], ["beforeSwitch"])
    assert not {"ports", "readinessProbe", "startupProbe"}.intersection(container)
    assert "slot" not in template["metadata"]["labels"]
    assert (before["spec"]["backoffLimit"], before["spec"]["activeDeadlineSeconds"]) == (0, 60)
    assert [run.hook for run in fixture.state.history[-1].hook_runs] == [Hook.BEFORE_SWITCH, Hook.AFTER_SWITCH]
    fixture.clock.sleep(601)
    assert fixture.run(Retire()).exit_code is ExitCode.DONE
    assert ran(fixture)[-1] == "afterretire"
    assert fixture.run(Retire()).exit_code is ExitCode.DONE
    assert fixture.run(Rollback()).exit_code is ExitCode.DONE
    assert ran(fixture)[2:] == ["afterretire", "afterrollback"]


def test_a_service_without_hooks_asks_for_no_job() -> None:
    """Who has not the right to Jobs yet releases all the same."""
    fixture = Fixture()
    faulty = Faulty(fixture.cluster)
    fixture.run(Deploy(SECOND), faulty)
    assert not any("Job" in call for call in faulty.calls)


@pytest.mark.parametrize(
    ("hook", "goal", "code", "live"),
    [
        (Hook.BEFORE_SWITCH, Deploy(SECOND), ExitCode.ROLLED_BACK, GREEN),
        (Hook.AFTER_SWITCH, Deploy(SECOND), ExitCode.ROLLED_BACK, GREEN),
        (Hook.AFTER_RETIRE, Retire(now=True), ExitCode.HOOK_FAILED, GREEN),
        (Hook.AFTER_ROLLBACK, Rollback(), ExitCode.HOOK_FAILED, BLUE),
    ],
)
def test_the_failure_of_a_hook_is_told_and_recorded(hook: Hook, goal: Goal, code: ExitCode, live: str) -> None:
    fixture = Fixture()
    fixture.run(Deploy(SECOND))
    with_hooks(fixture).run(Deploy(FIRST))
    fixture.cluster.failing_hooks = {hook.label}
    result = fixture.run(goal)
    assert (result.exit_code, fixture.state.live) == (code, live)
    assert f"hook {hook} (Job api-{hook.label}-" in result.message
    assert "exit code 1" in result.message
    (run,) = [one for one in fixture.state.history[-1].hook_runs if one.hook is hook]
    assert run.failure == "exit code 1"


def test_a_job_that_the_api_server_refuses_is_a_hook_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    fixture = with_hooks(Fixture())
    create = fixture.cluster.create

    def refuse(body: dict[str, Any]) -> dict[str, Any]:
        if body["kind"] == "Job":
            raise KubernetesApiError("not verified", status=422, reason="Invalid")
        return create(body)

    monkeypatch.setattr(fixture.cluster, "create", refuse)
    result = fixture.run(Deploy(SECOND))
    assert (result.exit_code, fixture.state.live) == (ExitCode.ROLLED_BACK, GREEN)
    assert "the API server refuses its Job: not verified" in result.message


@pytest.mark.parametrize("fails", [False, True])
def test_a_release_that_is_killed_anywhere_runs_each_hook_once_whoever_goes_on(fails: bool) -> None:
    """The same command goes on, or the reconciler."""
    ready = Fixture()
    with_hooks(ready)
    if fails:
        ready.cluster.failing_hooks = {"afterswitch"}
    number = 0
    for number in itertools.count(1):
        fixture = ready.copy()
        try:
            fixture.run(Deploy(SECOND), Faulty(fixture.cluster, at=number, fault="killed"))
        except KilledError:
            pass
        else:
            break
        if number % 2:
            fixture.clock.sleep(61)
            fixture.run(Deploy(SECOND))
        else:
            end(fixture, Actor(fixture))
        state, runs = fixture.state, fixture.cluster.hook_runs
        assert state.running is None
        assert len(runs) == len(set(runs)), runs
        by_release = {name.rpartition("-")[2] for name in runs}
        assert len(by_release) <= 1 or number % 2, runs
        assert state.live_slot.is_ready
        assert fails or state.live == BLUE or not number % 2
    assert number > 40


def test_the_reconciler_may_run_a_hook() -> None:
    fixture = with_hooks(Fixture())
    faulty = Faulty(fixture.cluster, at="create Job", fault="killed")
    with pytest.raises(KilledError):
        fixture.run(Deploy(SECOND), faulty)
    end(fixture, Actor(fixture))
    assert fixture.state.history[-1].outcome is Outcome.RELEASED
    assert ran(fixture) == ["beforeswitch", "afterswitch"]


def test_settings_and_runs_survive_the_history() -> None:
    settings = (HookSettings(Hook.BEFORE_SWITCH, ("a", "b"), ("c",), 30),)
    one = replace(released(), hooks=settings, hook_runs=(HookRun(Hook.BEFORE_SWITCH, "job", "exit code 1"),))
    assert Entry.from_json(json.loads(json.dumps(one.to_json()))) == one
    assert one.started <= NOW


def test_a_switch_runs_hooks_too() -> None:
    fixture = Fixture()
    fixture.run(Deploy(SECOND))
    with_hooks(fixture).run(Switch())
    assert ran(fixture) == ["beforeswitch", "afterswitch"]


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("BackoffLimitExceeded", "exit code 137"),
        ("DeadlineExceeded", "DeadlineExceeded: Job was active longer than specified deadline"),
    ],
)
def test_why_a_job_failed_is_its_exit_code_unless_it_took_too_long(reason: str, told: str) -> None:
    message = "Job was active longer than specified deadline"
    condition = {"type": "Failed", "status": "True", "reason": reason, "message": message}
    pod = {"status": {"containerStatuses": [{"state": {"terminated": {"exitCode": 137}}}]}}
    assert jobs.job({"status": {"conditions": [condition]}, "pods": [pod]}, ()).failure == told
