"""The arguments and options that commands have in common, and the session that they describe."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from contract.blue_green import SLOTS, TEST_ENVIRONMENT, VERIFIED_ENVIRONMENT
from release.errors import ExitCode, ReleaseError

if TYPE_CHECKING:
    from release.session import Session


def environments() -> list[str]:
    """The environments, for completion."""
    return [TEST_ENVIRONMENT, VERIFIED_ENVIRONMENT]


Environment = Annotated[
    str, typer.Argument(help="dev or prod: the namespace.", metavar="ENV", autocompletion=environments)
]
Service = Annotated[str, typer.Argument(help="The service.", metavar="SERVICE")]
Services = Annotated[list[str] | None, typer.Argument(help="The services.", metavar="SERVICE…")]
All = Annotated[bool, typer.Option("--all", help="All services.")]
Kubeconfig = Annotated[
    Path | None,
    typer.Option(
        "--kubeconfig",
        exists=True,
        dir_okay=False,
        help="As kubectl's; by default in a pod its service account.",
    ),
]
KubeContext = Annotated[str | None, typer.Option("--context", help="A context of the kubeconfig.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output, for scripts.")]
Full = Annotated[bool, typer.Option("--full", help="Show each image in full, to be deployed again.")]
ImageTags = Annotated[
    bool,
    typer.Option(
        "--image-tags/--no-image-tags",
        envvar="HELLO_RELEASE_IMAGE_TAGS",
        help="Tag images in ECR, so that none that is in use expires.",
    ),
]
LockWait = Annotated[
    float, typer.Option("--wait", min=0, help="Seconds to wait for another release of the service to end.")
]
AtOnce = Annotated[
    int | None,
    typer.Option(
        "--at-once", min=1, max=16, help="Services that are released at the same time; by default 1, with --all 8."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; else it is only shown.")]
Confirmed = Annotated[bool, typer.Option("--yes", help="Do not ask before pods of prod end; for scripts.")]
Ready = Annotated[
    float | None,
    typer.Option(
        "--ready-within",
        min=1,
        help="Seconds for the pods to get ready; by default 7 minutes and the service's start time.",
    ),
]
OutageLimit = Annotated[
    float,
    typer.Option(
        "--outage-limit",
        min=1,
        help="Seconds that users may wait at pods that are not ready any more, before it is switched back.",
    ),
]
WatchFor = Annotated[
    float, typer.Option("--watch-for", min=0, help="Seconds after the switch in which answers are compared.")
]
Warm = Annotated[int, typer.Option("--warm-for", min=0, help="Seconds that the old slot keeps its pods.")]
Patience = Annotated[
    float, typer.Option("--patience", min=0, help="Seconds for a pod's trouble, such as a failed pull, to pass.")
]


ApprovedBy = Annotated[
    str | None,
    typer.Option(
        "--approved-by",
        envvar="APPROVER",
        help="Who approved it, for the history; it gives no right. Jenkins sets it.",
        metavar="NAME",
    ),
]
CanarySteps = Annotated[
    str | None,
    typer.Option(
        "--canary",
        help="Weights in percent that the new version gets before the switch, such as 10,50; `none` switches at once. "
        "By default those of the service's settings.",
        metavar="WEIGHTS",
    ),
]
StepSeconds = Annotated[
    float | None,
    typer.Option(
        "--step-seconds", min=0, help="Seconds for each weight; by default the time of the service's settings."
    ),
]
Pauses = Annotated[
    list[str] | None,
    typer.Option(
        "--pause",
        metavar="WHERE",
        help="Wait for a person there: before-switch, or at a weight of the canary, such as 10. The command ends with "
        "exit code 9; `resume` goes on.",
    ),
]

AT_ONCE_OF_ALL = 8
"""How many services `--all` releases at the same time unless told otherwise, each after those that it calls."""


def open_session(
    kubeconfig: Path | None,
    context: str | None,
    *,
    as_json: bool,
    image_tags: bool = True,
    at_once: int | None = None,
    every: bool = False,
    limits: dict[str, float | None] | None = None,
    only_reads: bool = False,
    approved_by: str | None = None,
) -> Session:
    """The session that the options describe; `every` is `--all`, and `limits` are arguments of `Limits`."""
    from release.context import Limits  # noqa: PLC0415 - slow to import
    from release.session import Options, Session  # noqa: PLC0415 - likewise

    options = Options(
        kubeconfig=kubeconfig,
        context=context,
        as_json=as_json,
        image_tags=image_tags,
        at_once=at_once or (AT_ONCE_OF_ALL if every else 1),
        only_reads=only_reads,
        approved_by=approved_by or None,
        limits=Limits(**limits or {}),  # pyright: ignore[reportArgumentType]
    )
    return Session(options)


def canary_steps(text: str | None) -> tuple[int, ...] | None:
    """The weights of `--canary`; none for `none`.

    Raises:
        typer.BadParameter: They are no rising percentages.
    """
    if text is None:
        return None
    try:
        steps = () if text == "none" else tuple(int(part) for part in text.split(","))
    except ValueError:
        steps = (0,)
    if any(not 0 < weight <= 100 for weight in steps) or list(steps) != sorted(set(steps)):  # noqa: PLR2004 - percent
        raise typer.BadParameter(f"{text}: rising percentages, such as 10,50, or `none`", param_hint="--canary")
    return steps


def service_names(services: list[str] | None, *, every: bool) -> list[str]:
    """The services of the command line, each once; none for `--all`.

    Raises:
        typer.BadParameter: There are neither names nor `--all`, or both.
    """
    if every == bool(services):
        message = "name services or use --all, not both" if every else "name services, or use --all"
        raise typer.BadParameter(message, param_hint="SERVICE…")
    return list(dict.fromkeys(services or []))


def check_slot(slot: str, option: str) -> None:
    """Checks the name of a slot.

    Raises:
        typer.BadParameter: It is neither blue nor green.
    """
    if slot not in SLOTS:
        raise typer.BadParameter(f"{slot} is no slot: {' or '.join(SLOTS)}", param_hint=option)


def images_by_service(names: list[str], values: list[str]) -> dict[str, str]:
    """The image of each service by the values of `--image`, with its tag if it has one; empty for the live image.

    Raises:
        typer.BadParameter: A value is no image by digest, or it does not say of which service.
    """
    from release.images import split  # noqa: PLC0415 - slow to import
    from release.slots import is_image  # noqa: PLC0415 - likewise

    images = dict.fromkeys(names, "")
    for value in values:
        service, equals, image = value.partition("=")
        if not equals:
            if len(names) > 1:
                raise typer.BadParameter(f"{value}: with several services, use SERVICE=IMAGE", param_hint="--image")
            service, image = names[0], value
        if service not in images:
            raise typer.BadParameter(f"{service} is not among {', '.join(names)}", param_hint="--image")
        # The sentinel is refused later, with an explanation.
        if not is_image(split(image)[0]) and not image.endswith("0" * 64):
            raise typer.BadParameter(f"{image} is not an image by digest, REPOSITORY@sha256:…", param_hint="--image")
        images[service] = image
    return images


def confirm(session: Session, environment: str, what: str, *, yes: bool) -> None:
    """Asks the person at the terminal before pods of prod end; with `--yes`, and in other environments, nobody.

    Raises:
        typer.BadParameter: There is nobody to ask.
        ReleaseError: The answer is no.
    """
    if yes or environment != VERIFIED_ENVIRONMENT:
        return
    what += f", in {environment} of {session.api.cluster}"
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"{what}: nobody is there to be asked, so a script has to say it", param_hint="--yes")
    if not typer.confirm(f"{what}?", err=True):
        raise ReleaseError(f"not confirmed: {what}", remedy="run it again, and confirm it")


def exit_with(code: ExitCode) -> NoReturn:
    """Ends a command with an exit code."""
    raise typer.Exit(int(code))
