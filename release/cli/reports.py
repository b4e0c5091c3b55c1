"""The command lines of status, history and render, which change nothing."""

from __future__ import annotations

import json
import sys
import time
from typing import Annotated

import typer

from contract.blue_green import BLUE, SLOTS
from release.cli.options import (
    AsJson,
    Environment,
    Full,
    Kubeconfig,
    KubeContext,
    Service,
    Services,
    check_slot,
    environments,
    exit_with,
    open_session,
)


def status(
    environment: Annotated[
        str | None, typer.Argument(help="dev or prod; both without.", metavar="[ENV]", autocompletion=environments)
    ] = None,
    services: Services = None,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Keep showing, until interrupted.")] = False,
    full: Full = False,
    kubeconfig: Kubeconfig = None,
    context: KubeContext = None,
    as_json: AsJson = False,
) -> None:
    """Show both slots of each service, and their problems."""
    if watch and as_json:
        raise typer.BadParameter("cannot be combined with --json", param_hint="--watch")
    from release.commands import reports  # noqa: PLC0415 - slow to import
    from release.threads import ANSWER_SECONDS, by  # noqa: PLC0415 - likewise

    deadline = time.monotonic() + ANSWER_SECONDS
    session = by(deadline, lambda: open_session(kubeconfig, context, as_json=as_json, only_reads=True))
    shown = [environment] if environment else environments()
    exit_with(reports.status(session, shown, services or [], watch=watch, full=full, deadline=deadline))


def history(
    environment: Environment,
    service: Service,
    *,
    full: Full = False,
    kubeconfig: Kubeconfig = None,
    context: KubeContext = None,
    as_json: AsJson = False,
) -> None:
    """Show a service's last releases."""
    from release.commands import reports  # noqa: PLC0415 - slow to import
    from release.threads import ANSWER_SECONDS, by  # noqa: PLC0415 - likewise

    deadline = time.monotonic() + ANSWER_SECONDS
    session = by(deadline, lambda: open_session(kubeconfig, context, as_json=as_json, only_reads=True))
    exit_with(reports.history(session, environment, service, full=full))


def render(
    image: Annotated[str, typer.Option(help="The image by digest: REPOSITORY@sha256:…")],
    slot: Annotated[str, typer.Option(help=f"The slot: {' or '.join(SLOTS)}.")] = BLUE,
    replicas: Annotated[int, typer.Option(min=1, help="Number of pods.")] = 1,
) -> None:
    """Print a slot's Deployment for kubectl.

    It is rendered from the PodTemplate (JSON) on standard input.
    """
    from release import images, slots  # noqa: PLC0415 - slow to import

    check_slot(slot, "--slot")
    try:
        deployment = slots.render(json.load(sys.stdin), slot=slot, image=images.split(image)[0], replicas=replicas)
    except json.JSONDecodeError:
        raise typer.BadParameter(
            "is no JSON: pipe `kubectl get podtemplate SERVICE --output=json` into it", param_hint="standard input"
        ) from None
    except (KeyError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo(json.dumps(deployment))
