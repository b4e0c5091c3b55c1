"""The commands that change what is live: deploy, promote, switch, rollback, retire."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from kube.client import KubernetesApiError
from release import templates
from release.context import Context
from release.display import Display
from release.errors import ExitCode, ReleaseError
from release.goals import Deploy, Goal, Retire, Rollback, Switch
from release.history import version_of
from release.images import Images, in_use, split
from release.order import in_order
from release.prune import prune
from release.retries import retrying
from release.rules import weights_in_effect
from release.run import Result, reconcile
from release.session import ServiceResult, Session, explain
from release.state import ServiceState
from release.verification import TEST_ENVIRONMENT, VERIFIED_ENVIRONMENT

Report: TypeAlias = Callable[[str], None]


def deploy(
    session: Session,
    environment: str,
    images: Mapping[str, str],
    *,
    override: str | None,
    canary: tuple[int, ...] | None = None,
    step_seconds: float | None = None,
    pauses: Sequence[str] = (),
    restored: str | None = None,
) -> ExitCode:
    """Deploys each service's image; where it is empty the live image again, with the current PodTemplate.

    Args:
        session: The session.
        environment: The environment.
        images: The image of each service.
        override: Reason for letting unverified images into prod.
        canary: The weights of the canary; None for those of the settings.
        step_seconds: How long each of them lasts; None for the time of the settings.
        pauses: Where the release waits for a person.
        restored: Id of an earlier release of the service, whose image and template are deployed instead.

    Raises:
        ReleaseError: The history has no such release, or its template is not to be had any more.
    """
    states = session.observe_all(environment, images)
    goals = {
        service: replace(
            _restored(session, states[service], restored, override)
            if restored
            else _deploy(session, states[service], image, override),
            canary=canary,
            step_seconds=step_seconds,
            pauses=tuple(pauses),
        )
        for service, image in images.items()
    }
    return release(session, environment, goals, _dependencies(states))


def promote(
    session: Session,
    names: Iterable[str],
    *,
    canary: tuple[int, ...] | None = None,
    step_seconds: float | None = None,
    pauses: Sequence[str] = (),
) -> ExitCode:
    """Deploys to prod what is live on dev.

    Raises:
        ReleaseError: A live slot on dev is not ready, or its release is unfinished.
    """
    states = session.observe_all(TEST_ENVIRONMENT, list(names))
    for service, state in states.items():
        if state.running is not None or state.live_failed or not state.live_slot.serves():
            raise ReleaseError(
                f"{service} cannot be promoted: its live slot {state.live} in {TEST_ENVIRONMENT} is not ready, a "
                "release of it is under way, or its last one failed",
                remedy=f"see `release status {TEST_ENVIRONMENT}`",
            )
    goals = {
        service: Deploy(
            image,
            canary=canary,
            step_seconds=step_seconds,
            version=version_of(state.history, image),
            pauses=tuple(pauses),
        )
        for service, state in states.items()
        for image in [_live_image(state)]
    }
    return release(session, VERIFIED_ENVIRONMENT, goals, _dependencies(states))


def switch(session: Session, environment: str, service: str, to: str | None) -> ExitCode:
    """Makes a warm slot live; without a name the idle one."""
    return release(session, environment, {service: Switch(to)})


def rollback(session: Session, environment: str, names: Iterable[str], *, keep_failed: bool = False) -> ExitCode:
    """Makes the previous release live again, and ends the pods of the one that was live unless they shall be kept."""
    return release(session, environment, {service: Rollback(keep_failed) for service in names})


def retire(session: Session, environment: str, names: Iterable[str], *, now: bool) -> ExitCode:
    """Scales idle slots to zero, and deletes the configuration and image tags that nothing needs any more."""
    return release(
        session,
        environment,
        {service: Retire(now) for service in names},
        clean_up=lambda service, report: clean_up(session, environment, service, report),
    )


def clean_up(session: Session, environment: str, service: str, report: Report) -> None:
    """Deletes configuration, NetworkPolicies of old ports, and image tags of a service that nothing needs any more.

    Raises:
        ReleaseError: ECR refused, or did not answer.
    """
    state = session.observe(environment, service)
    for name in retrying(session.clock)(lambda: prune(session.api, state)):
        report(f"Deleted {name}: nothing refers to it")
    if session.options.image_tags:
        for tag in Images(state.repository).drop(environment, lambda: in_use(session.observe(environment, service))):
            report(f"Removed tag {tag}: its image is not used here any more")


def release(
    session: Session,
    environment: str,
    goals: Mapping[str, Goal | Callable[[ServiceState], Goal | None]],
    dependencies: Mapping[str, Sequence[str]] | None = None,
    *,
    clean_up: Callable[[str, Report], None] = lambda _service, _report: None,
) -> ExitCode:
    """Reaches a goal for each service, and prints the results.

    Args:
        session: The session.
        environment: The environment.
        goals: What each service is to reach, or what chooses that from its state under its lock.
        dependencies: The services that each one calls, which come before it.
        clean_up: Removes what nothing needs any more, given the service and what gets lines.
    """
    user, caller = session.user(), session.caller()
    with Display(session.progress) as display:

        def run(service: str) -> ServiceResult:
            report = display.reporter(environment, service)
            context = Context(
                api=session.api,
                caller=caller,
                clock=session.clock,
                report=report,
                by=user,
                build=os.environ.get("BUILD_URL"),
                approved_by=session.options.approved_by,
                limits=session.options.limits,
                keep_image=session.keep_image,
                clean_up=lambda: clean_up(service, report),
                weights=lambda state: weights_in_effect(session.api, state),
            )
            try:
                result = reconcile(context, environment, service, goals[service])
            except ReleaseError as error:
                return ServiceResult(environment, service, error.exit_code, error.message, error.remedy)
            except KubernetesApiError as error:
                return ServiceResult(environment, service, ExitCode.FAILED, *explain(error))
            finally:
                display.end(environment, service)
            return ServiceResult(
                environment,
                service,
                result.exit_code,
                result.message,
                _remedy(result, service),
                result.connections,
                image=live.image if (live := result.state.live_slot.revision) else None,
            )

        results, skipped = in_order(
            {service: (dependencies or {}).get(service, ()) for service in goals},
            run,
            is_good=lambda result: result.exit_code is ExitCode.DONE,
            at_once=session.options.at_once,
            stop=session.clock.stop,
        )
    reason = "skipped: a service that it depends on failed"
    skipped_results = [ServiceResult(environment, one, ExitCode.REFUSED, reason, "see above") for one in skipped]
    return session.print_results([*results.values(), *skipped_results])


def _deploy(session: Session, state: ServiceState, reference: str, override: str | None) -> Deploy:
    image, version = split(reference or _live_image(state))
    return Deploy(image, override, version=version or version_of(state.history, image) or session.version(state, image))


def _restored(session: Session, state: ServiceState, release: str, override: str | None) -> Deploy:
    entry = templates.entry(state, release)
    image, version = entry.revision.image, entry.version or version_of(state.history, entry.revision.image)
    if entry.revision.template == state.template:
        return Deploy(image, override, version=version)
    templates.kept(session.api, state, entry.revision)
    return Deploy(image, override, version=version, template=entry.revision.template)


def _dependencies(states: Mapping[str, ServiceState]) -> dict[str, tuple[str, ...]]:
    return {service: state.depends_on for service, state in states.items()}


def _live_image(state: ServiceState) -> str:
    if state.live_slot.revision is None:
        raise ReleaseError(
            f"{state.service} was never released in {state.environment}: no image is live",
            remedy=f"name one: --image {state.service}={state.repository}@sha256:…",
        )
    return state.live_slot.revision.image


def _remedy(result: Result, service: str) -> str | None:
    environment = result.state.environment
    match result.exit_code:
        case ExitCode.ROLLED_BACK:
            return f"see `kubectl --namespace {environment} describe service {service}`, fix it, deploy again"
        case ExitCode.BAD_LIVE:
            return (
                f"users have the version that failed: `release deploy {environment} {service}` with a good image; "
                "`release history` lists the past ones"
            )
        case ExitCode.NOT_READY:
            return f"act at once: see `release status {environment} {service}`, and `release history` for past releases"
        case ExitCode.PAUSED:
            return f"`release resume {environment} {service}` lets it go on, `release abort` takes it back"
        case ExitCode.HOOK_FAILED:
            return f"see the log of its Job in {environment}; nothing was undone"
        case _:
            return None
