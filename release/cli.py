"""The release tool's commands."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from components.contract import BLUE, SLOTS
from release import slots

app = typer.Typer(
    help="Bring images into slots.", no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
)


@app.callback()
def _commands() -> None:
    """Keeps commands named, also while there is one only."""


@app.command()
def render(
    image: Annotated[str, typer.Option(help="The image by digest: REPOSITORY@sha256:…")],
    slot: Annotated[str, typer.Option(help=f"The slot: {' or '.join(SLOTS)}.")] = BLUE,
    replicas: Annotated[int, typer.Option(min=1, help="Number of pods.")] = 1,
) -> None:
    """Print a slot's Deployment, made from the PodTemplate (JSON) on standard input, to be applied by kubectl."""
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
