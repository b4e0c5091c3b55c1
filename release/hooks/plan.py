"""The steps of a release for its hooks: pure functions from the state of a service.

A Job's name is made from the service, the hook and the release: whoever goes on with a release finds the Job that was
begun, and no hook runs twice. A Job that runs is waited for, never ended: half a migration is worse than a late one.
"""

from __future__ import annotations

from contract.blue_green import hook_job_name
from release.history import Action, Entry, Outcome
from release.hooks.values import BLOCKING, Hook, HookRun, HookSettings, Job
from release.state import ServiceState
from release.steps import AwaitHook, EndHook, RunHook

HookStep = RunHook | AwaitHook | EndHook


def settings_of(entry: Entry, hook: Hook) -> HookSettings | None:
    """What a release runs as a hook: what the service's was when the release began. None for nothing."""
    return next((one for one in entry.hooks if one.hook is hook), None)


def has_ended(entry: Entry, hook: Hook) -> bool:
    """Whether the history knows how a hook of a release ended."""
    return any(run.hook is hook for run in entry.hook_runs)


def job_of(state: ServiceState, entry: Entry, hook: Hook) -> Job | None:
    """The Job of a release's hook, if there is one."""
    return state.jobs.get(hook_job_name(state.service, hook.label, entry.id))


def is_due(entry: Entry | None, hook: Hook) -> bool:
    """Whether a release has a hook that has not ended."""
    return entry is not None and settings_of(entry, hook) is not None and not has_ended(entry, hook)


def step(state: ServiceState, entry: Entry | None, hook: Hook, slot: str) -> HookStep | None:
    """The next step for a hook; None if there is none, or it has ended.

    Args:
        state: The service.
        entry: The release.
        hook: The hook.
        slot: The slot whose image and configuration it has.
    """
    if entry is None or not is_due(entry, hook):
        return None
    job = job_of(state, entry, hook)
    if job is None:
        return RunHook(hook, slot) if state.slot(slot).revision is not None else None
    return EndHook(hook, slot) if job.is_finished else AwaitHook(hook, slot)


def step_after_failure(state: ServiceState, slot: str) -> HookStep | None:
    """The next step for the hooks of a release that has failed: what runs is waited for, and then perhaps undone."""
    entry = state.running
    if entry is None:
        return None
    begun = [hook for hook in BLOCKING if job_of(state, entry, hook) is not None]
    for hook in begun:
        job = job_of(state, entry, hook)
        if job is not None and not job.is_finished:
            return AwaitHook(hook, slot)
    is_own = state.slot(slot).revision == entry.revision
    return step(state, entry, Hook.AFTER_ROLLBACK, slot) if begun and is_own else None


def retired_release(state: ServiceState) -> Entry | None:
    """The release whose hook is due because the version before it has been retired; None without one."""
    last = next((one for one in reversed(state.history) if one.outcome is Outcome.RELEASED), None)
    if last is None or last.action is Action.ROLLBACK or last.previous is None or state.running is not None:
        return None
    is_live = last.slot == state.live and last.revision == state.live_slot.revision
    return last if is_live and state.idle_slot.desired == 0 and is_due(last, Hook.AFTER_RETIRE) else None


def release_of(state: ServiceState, hook: Hook) -> Entry:
    """The release of which the plan runs a hook."""
    entry = retired_release(state) if hook is Hook.AFTER_RETIRE else state.running
    assert entry is not None  # noqa: S101 - the plan runs a hook of no other
    return entry


def ended_runs(state: ServiceState, entry: Entry) -> tuple[HookRun, ...]:
    """How the hooks of a release ended that have: by the history, else by their Jobs."""
    found = {run.hook: run for run in entry.hook_runs}
    for settings in entry.hooks:
        job = job_of(state, entry, settings.hook)
        if job is not None and job.is_finished and settings.hook not in found:
            name = hook_job_name(state.service, settings.hook.label, entry.id)
            found[settings.hook] = HookRun(settings.hook, name, job.failure)
    return tuple(found.values())


def failure_after(state: ServiceState) -> str | None:
    """Why a hook of the last release failed whose failure undoes nothing; None if none did."""
    for run in state.history[-1].hook_runs if state.history else ():
        if run.failure is not None and run.hook not in BLOCKING:
            return f"hook {run.hook} (Job {run.job}) failed: {run.failure}"
    return None
