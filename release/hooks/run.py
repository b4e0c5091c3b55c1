"""Runs hooks: what a release does for its steps `RunHook` and `EndHook`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from contract.blue_green import hook_job_name
from kube.client import KubernetesApiError
from release import history
from release.hooks import jobs
from release.hooks.plan import ended_runs, job_of, release_of, settings_of
from release.hooks.values import HookRun
from release.objects import ObjectApi
from release.retries import is_transient
from release.state import ServiceState
from release.steps import AwaitHook, EndHook, RunHook


def start(api: ObjectApi, state: ServiceState, step: RunHook) -> str | None:
    """Creates a hook's Job.

    Returns:
        Why the API server refuses it; None if it is there.

    Raises:
        LostRaceError: The slot has changed since `state` was observed.
        KubernetesApiError: The API server does not answer.
    """
    entry = release_of(state, step.hook)
    settings = settings_of(entry, step.hook)
    assert settings is not None  # noqa: S101 - the plan runs only what a release has
    name = hook_job_name(state.service, step.hook.label, entry.id)
    try:
        jobs.create(api, state, settings, slot=step.slot, name=name)
    except KubernetesApiError as error:
        if is_transient(error):
            raise
        return f"the API server refuses its Job: {error}"
    return None


def end(
    api: ObjectApi,
    state: ServiceState,
    step: RunHook | AwaitHook | EndHook,
    report: Callable[[str], None],
    *,
    failure: str | None,
) -> HookRun:
    """Shows what a hook wrote, and how it ended.

    Args:
        api: The API server.
        state: The service.
        step: The hook.
        report: Gets each line.
        failure: Why it has failed, if its Job does not say so.
    """
    entry = release_of(state, step.hook)
    name = hook_job_name(state.service, step.hook.label, entry.id)
    job = job_of(state, entry, step.hook)
    if job is not None:
        for line in jobs.logs(api, state.environment, name):
            report(f"{step.hook} | {line}")
        failure = failure or job.failure
    report(f"Hook {step.hook}: " + (f"failed: {failure}" if failure else "done"))
    return HookRun(step.hook, name, failure)


def record(api: ObjectApi, state: ServiceState, run: HookRun) -> None:
    """Writes into the history how a hook ended.

    Raises:
        LostRaceError: Somebody else wrote at the same time: try again.
        KubernetesApiError: The API server refused.
    """
    entry = release_of(state, run.hook)
    others = [one for one in ended_runs(state, entry) if one.hook is not run.hook]
    history.write(api, state.environment, state.service, replace(entry, hook_runs=(*others, run)))
