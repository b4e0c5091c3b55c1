"""The release tool's commands. What they need is imported when they run: help has to be quick."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from contract.blue_green import BLUE, SLOTS
from release.errors import ExitCode, ReleaseError

if TYPE_CHECKING:
    from release.commands import Commands

app = typer.Typer(
    help="Bring images into slots, and switch between them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)


Environment = Annotated[str, typer.Argument(help="dev or prod: the namespace.", metavar="ENV")]
OneService = Annotated[str, typer.Argument(help="The service.", metavar="SERVICE")]
Services = Annotated[list[str] | None, typer.Argument(help="The services.", metavar="SERVICE…")]
All = Annotated[bool, typer.Option("--all", help="All services.")]
Kubeconfig = Annotated[
    Path | None,
    typer.Option("--kubeconfig", exists=True, dir_okay=False, help="As kubectl's; in a pod its service account."),
]
KubeContext = Annotated[str | None, typer.Option("--context", help="A context of the kubeconfig.")]
AsJson = Annotated[bool, typer.Option("--json", help="For scripts: the result on standard output, as JSON.")]
ImageTags = Annotated[
    bool,
    typer.Option(
        "--image-tags/--no-image-tags",
        envvar="HELLO_RELEASE_IMAGE_TAGS",
        help="Tag images in ECR, so that none that has a use expires.",
    ),
]
Wait = Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for another release of the service.")]
AtOnce = Annotated[int, typer.Option("--at-once", min=1, max=16, help="Services worked on at the same time.")]
Ready = Annotated[
    float | None,
    typer.Option("--ready-within", min=1, help="Seconds for the pods to get ready; 7 minutes and their start without."),
]
WatchFor = Annotated[float, typer.Option("--watch-for", min=0, help="Seconds to compare answers after the switch.")]
Warm = Annotated[int, typer.Option("--warm-for", min=0, help="Seconds that the old slot keeps its pods.")]
Patience = Annotated[
    float, typer.Option("--patience", min=0, help="Seconds for a pod's trouble, such as a failed pull, to pass.")
]


@app.command()
def deploy(
    environment: Environment,
    services: Services = None,
    *,
    image: Annotated[
        list[str] | None,
        typer.Option(help="REPOSITORY@sha256:…; of several services each SERVICE=REPOSITORY@sha256:…"),
    ] = None,
    every: All = False,
    override: Annotated[str | None, typer.Option(help="Why an unverified image is let into prod; recorded.")] = None,
    wait: Wait = 0,
    ready: Ready = None,
    watch_for: WatchFor = 10,
    warm: Warm = 600,
    patience: Patience = 30,
    at_once: AtOnce = 1,
    image_tags: ImageTags = True,
    kubeconfig: Kubeconfig = None,
    context: KubeContext = None,
    as_json: AsJson = False,
) -> None:
    """Bring an image into the idle slot, try it, and switch to it.

    Where it does worse, go back. Without an image a service keeps the one that is live, and takes up the newest
    PodTemplate.
    """
    if override is not None and not override.strip():
        raise typer.BadParameter("needs a reason", param_hint="--override")
    named = _named(services, every=every)
    if named:
        images_of(named, image or [])
    commands = _commands(
        kubeconfig,
        context,
        as_json=as_json,
        image_tags=image_tags,
        at_once=at_once,
        limits={"lock": wait, "ready": ready, "watch": watch_for, "warm": warm, "patience": patience},
    )
    images = images_of(named or commands.services(environment), image or [])
    _end(commands.deploy(environment, images, override=override))


@app.command()
def promote(
    services: Services = None,
    *,
    every: All = False,
    wait: Wait = 0,
    ready: Ready = None,
    watch_for: WatchFor = 10,
    warm: Warm = 600,
    patience: Patience = 30,
    at_once: AtOnce = 1,
    image_tags: ImageTags = True,
    kubeconfig: Kubeconfig = None,
    context: KubeContext = None,
    as_json: AsJson = False,
) -> None:
    """Deploy to prod what is live on dev, and verified."""
    named = _named(services, every=every)
    commands = _commands(
        kubeconfig,
        context,
        as_json=as_json,
        image_tags=image_tags,
        at_once=at_once,
        limits={"lock": wait, "ready": ready, "watch": watch_for, "warm": warm, "patience": patience},
    )
    _end(commands.promote(named or commands.services("dev")))


@app.command()
def switch(
    environment: Environment,
    service: OneService,
    *,
    to: Annotated[str | None, typer.Option(help="The slot; the idle one by default.")] = None,
    wait: Wait = 0,
    watch_for: WatchFor = 10,
    warm: Warm = 600,
    kubeconfig: Kubeconfig = None,
    context: KubeContext = None,
    as_json: AsJson = False,
) -> None:
    """Switch to a slot that is warm; never to one that is not ready."""
    if to is not None and to not in SLOTS:
        raise typer.BadParameter(f"{to} is no slot: {' or '.join(SLOTS)}", param_hint="--to")
    limits = {"lock": wait, "watch": watch_for, "warm": warm}
    commands = _commands(kubeconfig, context, as_json=as_json, limits=limits)
    _end(commands.switch(environment, service, to))


@app.command()
def rollback(
    environment: Environment,
    services: Services = None,
    *,
    every: All = False,
    wait: Wait = 0,
    ready: Ready = None,
    warm: Warm = 600,
    patience: Patience = 30,
    at_once: AtOnce = 1,
    kubeconfig: Kubeconfig = None,
    context: KubeContext = None,
    as_json: AsJson = False,
) -> None:
    """Go back to what was live before.

    At once while it is warm, else as soon as it is.
    """
    named = _named(services, every=every)
    limits = {"lock": wait, "ready": ready, "warm": warm, "patience": patience}
    commands = _commands(kubeconfig, context, as_json=as_json, at_once=at_once, limits=limits)
    _end(commands.rollback(environment, named or commands.services(environment)))


@app.command()
def retire(
    environment: Environment,
    services: Services = None,
    *,
    every: All = False,
    now: Annotated[bool, typer.Option("--now", help="Also before the warm time is over.")] = False,
    wait: Wait = 0,
    image_tags: ImageTags = True,
    kubeconfig: Kubeconfig = None,
    context: KubeContext = None,
    as_json: AsJson = False,
) -> None:
    """Take the idle slot's pods away, and what nothing needs any more.

    That is configuration, and tags of images in ECR.
    """
    named = _named(services, every=every)
    commands = _commands(kubeconfig, context, as_json=as_json, image_tags=image_tags, limits={"lock": wait})
    _end(commands.retire(environment, named or commands.services(environment), now=now))


@app.command()
def verify(
    environment: Environment,
    service: OneService,
    *,
    image_tags: ImageTags = True,
    kubeconfig: Kubeconfig = None,
    context: KubeContext = None,
    as_json: AsJson = False,
) -> None:
    """Record that what is live on dev was tried.

    Prod takes nothing else.
    """
    commands = _commands(kubeconfig, context, as_json=as_json, image_tags=image_tags)
    _end(commands.verify(environment, service))


@app.command()
def status(
    environment: Environment,
    services: Services = None,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Keep showing, until interrupted.")] = False,
    kubeconfig: Kubeconfig = None,
    context: KubeContext = None,
    as_json: AsJson = False,
) -> None:
    """Show both slots of each service, and what is wrong."""
    if watch and as_json:
        raise typer.BadParameter("is for a person: leave --json out", param_hint="--watch")
    commands = _commands(kubeconfig, context, as_json=as_json)
    _end(commands.status(environment, services or [], watch=watch))


@app.command()
def history(
    environment: Environment,
    service: OneService,
    *,
    kubeconfig: Kubeconfig = None,
    context: KubeContext = None,
    as_json: AsJson = False,
) -> None:
    """Show a service's last releases."""
    _end(_commands(kubeconfig, context, as_json=as_json).history(environment, service))


@app.command()
def render(
    image: Annotated[str, typer.Option(help="The image by digest: REPOSITORY@sha256:…")],
    slot: Annotated[str, typer.Option(help=f"The slot: {' or '.join(SLOTS)}.")] = BLUE,
    replicas: Annotated[int, typer.Option(min=1, help="Number of pods.")] = 1,
) -> None:
    """Print a slot's Deployment for kubectl.

    It is made from the PodTemplate (JSON) on standard input.
    """
    from release import slots  # noqa: PLC0415 - see above

    if slot not in SLOTS:
        raise typer.BadParameter(f"{slot} is no slot: {' or '.join(SLOTS)}", param_hint="--slot")
    try:
        deployment = slots.render(json.load(sys.stdin), slot=slot, image=image, replicas=replicas)
    except json.JSONDecodeError:
        raise typer.BadParameter(
            "is no JSON: pipe `kubectl get podtemplate SERVICE --output=json` into it", param_hint="standard input"
        ) from None
    except (KeyError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo(json.dumps(deployment))


def main() -> None:
    """Runs a command; what ends it is told without a traceback."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        app()
    except ReleaseError as error:
        _fail(str(error), error.exit_code)
    except SystemExit as end:
        if end.code == ExitCode.INTERRUPTED:  # what typer makes of a KeyboardInterrupt
            typer.echo("Interrupted. Run the same command again: it goes on where this one stopped.", err=True)
        raise
    except Exception as error:
        from kube.client import KubernetesApiError  # noqa: PLC0415
        from release.commands import told  # noqa: PLC0415 - see above

        if not isinstance(error, KubernetesApiError):
            raise
        message, remedy = told(error)
        _fail(str(ReleaseError(message, remedy=remedy)), ExitCode.FAILED)


def _commands(
    kubeconfig: Path | None,
    context: str | None,
    *,
    as_json: bool,
    image_tags: bool = True,
    at_once: int = 1,
    limits: dict[str, float | None] | None = None,
) -> Commands:
    from release.commands import Commands, Options  # noqa: PLC0415 - see above
    from release.run import Limits  # noqa: PLC0415

    options = Options(
        kubeconfig=kubeconfig,
        context=context,
        as_json=as_json,
        image_tags=image_tags,
        at_once=at_once,
        limits=Limits(**limits or {}),  # pyright: ignore[reportArgumentType]
    )
    return Commands(options)


def _named(services: list[str] | None, *, every: bool) -> list[str]:
    """The services that are named; none for all. A wrong word is told before the API server is asked."""
    if every == bool(services):
        told = "name services or say --all, not both" if every else "name services, or say --all"
        raise typer.BadParameter(told, param_hint="SERVICE…")
    return list(dict.fromkeys(services or []))


def images_of(names: list[str], given: list[str]) -> dict[str, str]:
    """The image of each service; an empty text for the one that is live."""
    from release.slots import is_image  # noqa: PLC0415 - see above

    images = dict.fromkeys(names, "")
    for one in given:
        service, equals, image = one.partition("=")
        if not equals:
            if len(names) > 1:
                raise typer.BadParameter(f"{one}: of several services, say SERVICE=IMAGE", param_hint="--image")
            service, image = names[0], one
        if service not in images:
            raise typer.BadParameter(f"{service} is not among {', '.join(names)}", param_hint="--image")
        if not is_image(image) and not image.endswith("0" * 64):
            raise typer.BadParameter(f"{image} is not an image by digest, REPOSITORY@sha256:…", param_hint="--image")
        images[service] = image
    return images


def _end(code: ExitCode) -> NoReturn:
    raise typer.Exit(int(code))


def _terminated(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _fail(message: str, code: ExitCode) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    sys.exit(int(code))
