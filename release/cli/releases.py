"""The command lines of deploy, promote, switch, rollback, retire and verify."""

from __future__ import annotations

from typing import Annotated

import typer

from release.cli.options import (
    All,
    ApprovedBy,
    AsJson,
    AtOnce,
    CanarySteps,
    Confirmed,
    Environment,
    ImageTags,
    Kubeconfig,
    KubeContext,
    LockWait,
    OutageLimit,
    Patience,
    Pauses,
    Ready,
    Service,
    Services,
    StepSeconds,
    Warm,
    WatchFor,
    Yes,
    canary_steps,
    check_slot,
    confirm,
    exit_with,
    images_by_service,
    open_session,
    service_names,
)


def deploy(
    environment: Environment,
    services: Services = None,
    *,
    image: Annotated[
        list[str] | None,
        typer.Option(help="REPOSITORY@sha256:…; with several services SERVICE=REPOSITORY@sha256:…, repeatable."),
    ] = None,
    restored: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="RELEASE",
            help="Id of an earlier release, as `history --full` shows it: its image, with its variables, resources and "
            "all else of its pods.",
        ),
    ] = None,
    every: All = False,
    override: Annotated[
        str | None, typer.Option(help="Reason for letting an unverified image into prod; recorded.")
    ] = None,
    pause: Pauses = None,
    wait: LockWait = 0,
    ready: Ready = None,
    watch_for: WatchFor = 10,
    warm: Warm = 600,
    outage: OutageLimit = 10,
    patience: Patience = 30,
    canary: CanarySteps = None,
    step_seconds: StepSeconds = None,
    at_once: AtOnce = None,
    image_tags: ImageTags = True,
    approved_by: ApprovedBy = None,
    kubeconfig: Kubeconfig = None,
    context: KubeContext = None,
    as_json: AsJson = False,
) -> None:
    """Deploy an image into the idle slot, smoke test it, and switch to it.

    A version that fails is taken back. Without an image, the live one is deployed again with the newest PodTemplate.
    """
    steps = canary_steps(canary)
    if override is not None and not override.strip():
        raise typer.BadParameter("needs a reason", param_hint="--override")
    names = service_names(services, every=every)
    if restored and (len(names) != 1 or image):
        raise typer.BadParameter("takes one service, and no --image", param_hint="--from")
    if names:
        images_by_service(names, image or [])
    session = open_session(
        kubeconfig,
        context,
        as_json=as_json,
        image_tags=image_tags,
        at_once=at_once,
        every=every,
        approved_by=approved_by,
        limits={"lock": wait, "ready": ready, "watch": watch_for, "warm": warm, "outage": outage, "patience": patience},
    )
    from release.commands import releases  # noqa: PLC0415 - slow to import

    images = images_by_service(names or session.services(environment), image or [])
    exit_with(
        releases.deploy(
            session,
            environment,
            images,
            override=override,
            canary=steps,
            step_seconds=step_seconds,
            pauses=pause or (),
            restored=restored,
        )
    )


def promote(
    services: Services = None,
    *,
    every: All = False,
    pause: Pauses = None,
    wait: LockWait = 0,
    ready: Ready = None,
    watch_for: WatchFor = 10,
    warm: Warm = 600,
    outage: OutageLimit = 10,
    patience: Patience = 30,
    canary: CanarySteps = None,
    step_seconds: StepSeconds = None,
    at_once: AtOnce = None,
    image_tags: ImageTags = True,
    approved_by: ApprovedBy = None,
    kubeconfig: Kubeconfig = None,
    context: KubeContext = None,
    as_json: AsJson = False,
) -> None:
    """Deploy to prod the image that is live on dev and verified."""
    steps = canary_steps(canary)
    names = service_names(services, every=every)
    session = open_session(
        kubeconfig,
        context,
        as_json=as_json,
        image_tags=image_tags,
        at_once=at_once,
        every=every,
        approved_by=approved_by,
        limits={"lock": wait, "ready": ready, "watch": watch_for, "warm": warm, "outage": outage, "patience": patience},
    )
    from release.commands import releases  # noqa: PLC0415 - slow to import

    names = names or session.services("dev")
    exit_with(releases.promote(session, names, canary=steps, step_seconds=step_seconds, pauses=pause or ()))


def resume(
    environment: Environment,
    service: Service,
    *,
    wait: LockWait = 0,
    ready: Ready = None,
    watch_for: WatchFor = 10,
    warm: Warm = 600,
    outage: OutageLimit = 10,
    patience: Patience = 30,
    image_tags: ImageTags = True,
    kubeconfig: Kubeconfig = None,
    context: KubeContext = None,
    as_json: AsJson = False,
) -> None:
    """Let a release go on that waits for a person, or that was interrupted.

    The history says who did.
    """
    session = open_session(
        kubeconfig,
        context,
        as_json=as_json,
        image_tags=image_tags,
        limits={"lock": wait, "ready": ready, "watch": watch_for, "warm": warm, "outage": outage, "patience": patience},
    )
    from release.commands import decisions  # noqa: PLC0415 - slow to import

    exit_with(decisions.resume(session, environment, service))


def abort(
    environment: Environment,
    service: Service,
    *,
    reason: Annotated[str | None, typer.Option(help="Why, for the history.")] = None,
    wait: LockWait = 0,
    image_tags: ImageTags = True,
    kubeconfig: Kubeconfig = None,
    context: KubeContext = None,
    as_json: AsJson = False,
) -> None:
    """Take back a release that waits for a person, or that was interrupted.

    The history says who did.
    """
    session = open_session(kubeconfig, context, as_json=as_json, image_tags=image_tags, limits={"lock": wait})
    from release.commands import decisions  # noqa: PLC0415 - slow to import

    exit_with(decisions.abort(session, environment, service, reason=reason))


def switch(
    environment: Environment,
    service: Service,
    *,
    to: Annotated[str | None, typer.Option(help="The slot; by default the idle one.")] = None,
    wait: LockWait = 0,
    watch_for: WatchFor = 10,
    warm: Warm = 600,
    outage: OutageLimit = 10,
    approved_by: ApprovedBy = None,
    kubeconfig: Kubeconfig = None,
    context: KubeContext = None,
    as_json: AsJson = False,
) -> None:
    """Switch to a slot that is warm; never to one that is not ready."""
    if to is not None:
        check_slot(to, "--to")
    limits = {"lock": wait, "watch": watch_for, "warm": warm, "outage": outage}
    session = open_session(kubeconfig, context, as_json=as_json, approved_by=approved_by, limits=limits)
    from release.commands import releases  # noqa: PLC0415 - slow to import

    exit_with(releases.switch(session, environment, service, to))


def rollback(
    environment: Environment,
    services: Services = None,
    *,
    every: All = False,
    wait: LockWait = 0,
    ready: Ready = None,
    warm: Warm = 600,
    outage: OutageLimit = 10,
    patience: Patience = 30,
    at_once: AtOnce = None,
    keep_failed: Annotated[
        bool,
        typer.Option(
            "--keep-failed",
            help="Keep the pods of the slot that is left: open connections stay there.",
        ),
    ] = False,
    approved_by: ApprovedBy = None,
    kubeconfig: Kubeconfig = None,
    context: KubeContext = None,
    as_json: AsJson = False,
) -> None:
    """Go back to the release that was live before.

    At once while it is warm, else as soon as its pods are ready. Then the pods of the slot that is left end, since
    connections that are open to it would stay with it.
    """
    names = service_names(services, every=every)
    limits = {"lock": wait, "ready": ready, "warm": warm, "outage": outage, "patience": patience}
    session = open_session(
        kubeconfig, context, as_json=as_json, approved_by=approved_by, at_once=at_once, every=every, limits=limits
    )
    from release.commands import releases  # noqa: PLC0415 - slow to import

    exit_with(releases.rollback(session, environment, names or session.services(environment), keep_failed=keep_failed))


def retire(
    environment: Environment,
    services: Services = None,
    *,
    every: All = False,
    now: Annotated[bool, typer.Option("--now", help="Do not wait for the end of the warm time.")] = False,
    yes: Confirmed = False,
    wait: LockWait = 0,
    image_tags: ImageTags = True,
    kubeconfig: Kubeconfig = None,
    context: KubeContext = None,
    as_json: AsJson = False,
) -> None:
    """Scale the idle slot to zero, and delete what nothing needs any more.

    That is configuration, and tags of images in ECR.
    """
    names = service_names(services, every=every)
    session = open_session(
        kubeconfig, context, as_json=as_json, image_tags=image_tags, every=every, limits={"lock": wait}
    )
    from release.commands import releases  # noqa: PLC0415 - slow to import

    names = names or session.services(environment)
    confirm(session, environment, f"end the pods of the idle slot of {', '.join(names)}", yes=yes)
    exit_with(releases.retire(session, environment, names, now=now))


def verify(
    environment: Environment,
    service: Service,
    *,
    image: Annotated[str | None, typer.Option(help="The image that was tried; refused if another one is live.")] = None,
    check: Annotated[
        str | None, typer.Option(help="Shell command that tries it, with SERVICE, ENVIRONMENT and IMAGE; recorded.")
    ] = None,
    check_within: Annotated[float, typer.Option(min=1, help="Seconds for the check.")] = 1800,
    image_tags: ImageTags = True,
    kubeconfig: Kubeconfig = None,
    context: KubeContext = None,
    as_json: AsJson = False,
) -> None:
    """Record that the image that is live on dev was tried.

    Prod takes only verified images.
    """
    session = open_session(kubeconfig, context, as_json=as_json, image_tags=image_tags)
    from release.commands import verify as command  # noqa: PLC0415 - slow to import
    from release.images import split  # noqa: PLC0415 - likewise

    tried = split(image)[0] if image else None
    result = command.verify(session, environment, service, image=tried, check=check or None, check_within=check_within)
    exit_with(result)


def repair(
    environment: Environment,
    service: Service,
    *,
    yes: Yes = False,
    kubeconfig: Kubeconfig = None,
    context: KubeContext = None,
    as_json: AsJson = False,
) -> None:
    """Show what is wrong with a service, and mend it with --yes.

    That is a selector or an autoscaler's target that no release left so.
    """
    session = open_session(kubeconfig, context, as_json=as_json)
    from release.commands import repair as command  # noqa: PLC0415 - slow to import

    exit_with(command.repair(session, environment, service, yes=yes))


def unlock(
    environment: Environment,
    service: Service,
    *,
    yes: Yes = False,
    kubeconfig: Kubeconfig = None,
    context: KubeContext = None,
    as_json: AsJson = False,
) -> None:
    """Show who holds the lock of a service, and take it away with --yes.

    A lock expires by itself when its holder has died.
    """
    session = open_session(kubeconfig, context, as_json=as_json)
    from release.commands import repair as command  # noqa: PLC0415 - slow to import

    exit_with(command.unlock(session, environment, service, yes=yes))
