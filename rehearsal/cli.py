"""The command line of a rehearsal: `python -m rehearsal`, called by the Makefile."""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from contract.version import VERSION
from pipelines.preview_report import screen
from pipelines.preview_report.markdown import render
from rehearsal import control_plane, demo_images, status, strays, summary, workspace
from rehearsal.demo_images import Fault
from rehearsal.errors import RehearsalError
from rehearsal.front_door.running import entrance
from rehearsal.layout import CHECKOUT, DIRECTORY_VARIABLE, RUNS_VARIABLE, Layout
from rehearsal.lifecycle import Rehearsal
from rehearsal.plugins import PLUGIN_VARIABLE
from rehearsal.processes import ProcessTable
from release import slots

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)

StackOption = Annotated[str, typer.Option("--stack", help="The stack: one of the Pulumi.NAME.yaml.")]
DirectoryOption = Annotated[
    Path | None, typer.Option("--directory", help="Folder of its files; .rehearsal/STACK by default.")
]
StacksOption = Annotated[
    Path,
    typer.Option(
        "--stacks", exists=True, file_okay=False, resolve_path=True, show_default=False, help="Folder of stack files."
    ),
]
VerboseOption = Annotated[bool, typer.Option("--verbose", help="Print a line for each resource.")]


def _version(is_asked: bool) -> None:
    if is_asked:
        print(f"rehearsal {VERSION}, Python {platform.python_version()}")
        raise typer.Exit


@app.callback()
def options(
    kubernetes_plugin: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, resolve_path=True, help="As HELLO_KUBERNETES_PLUGIN.")
    ] = None,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it, and end.")] = False,
) -> None:
    """The platform on this machine, without an AWS account."""
    if kubernetes_plugin is not None:
        os.environ[PLUGIN_VARIABLE] = str(kubernetes_plugin)


@app.command()
def up(
    stack: StackOption = "dev",
    directory: DirectoryOption = None,
    stacks: StacksOption = CHECKOUT,
    *,
    verbose: VerboseOption = False,
) -> None:
    """Bring the platform up, release a demo image to each service, and show the result."""
    rehearsal = _rehearsal(stack, directory, stacks, verbose=verbose)
    _show(rehearsal, rehearsal.up())
    rehearsal.console.print(
        f"\nNext: `make shell STACK={stack}` for plain pulumi and kubectl, `make down STACK={stack}` to take it down."
    )


@app.command()
def preview(
    stack: StackOption = "dev",
    directory: DirectoryOption = None,
    stacks: StacksOption = CHECKOUT,
    *,
    verbose: VerboseOption = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the comment of a pull request; everything else to standard error.")
    ] = False,
) -> None:
    """Show what `up` would change."""
    rehearsal = _rehearsal(stack, directory, stacks, verbose=verbose)
    if markdown:
        print(render(replace(rehearsal, console=Console(stderr=True)).preview(), stack), end="")
    else:
        screen.show(rehearsal.console, stack, rehearsal.preview(), verbose=verbose)


@app.command(name="status")
def show_status(
    stack: StackOption = "dev",
    directory: DirectoryOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Show the state of the rehearsal."""
    rehearsal = _rehearsal(stack, directory)
    if as_json:
        print(json.dumps(_status(rehearsal), indent=2))
    else:
        _show(rehearsal, rehearsal.outputs())


@app.command()
def down(
    stack: StackOption = "dev",
    directory: DirectoryOption = None,
    stacks: StacksOption = CHECKOUT,
    *,
    verbose: VerboseOption = False,
) -> None:
    """Destroy the stack, verify that nothing is left, and stop all processes."""
    _rehearsal(stack, directory, stacks, verbose=verbose).down()


@app.command()
def ps(
    directory: Annotated[Path | None, typer.Argument(help="Only the rehearsals in this folder.")] = None,
    *,
    end: Annotated[bool, typer.Option("--end", help="End strays; ask about those whose directory exists.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --end: do not ask.")] = False,
) -> None:
    """Show the rehearsals that run on this machine, of whatever checkout, benchmark or test."""
    console, running = Console(), strays.find(directory and directory.resolve())
    console.print(strays.table(running) if running else "No rehearsal runs on this machine.", soft_wrap=True)
    for one in running if end else ():
        if one.is_stray or yes or typer.confirm(f"End {one.directory}? Its data are kept."):
            ended = strays.end(RUNS_VARIABLE, str(one.directory))
            console.print(f"Ended {ended} processes of {one.directory}", soft_wrap=True)


@app.command()
def shell(stack: StackOption = "dev", directory: DirectoryOption = None) -> None:
    """Open a shell in which plain pulumi and kubectl work on the rehearsal."""
    rehearsal = _rehearsal(stack, directory)
    rehearsal.check_up()
    rehearsal.console.print(
        f"pulumi, kubectl and `python -m release` work on stack {stack} here; `exit` leaves.",
        style="yellow",
        highlight=False,
    )
    command = workspace.shell_command(rehearsal.layout, os.environ.get("SHELL", "/bin/sh"))
    os.execvpe(command[0], command, {**os.environ, **workspace.shell_environment(rehearsal.layout)})  # noqa: S606 - the user's own shell


@app.command()
def image(
    environment: Annotated[str, typer.Argument(help="dev or prod.")],
    service: str,
    version: Annotated[str, typer.Argument(help="Any name, such as v2.")],
    *,
    fault: Annotated[Fault | None, typer.Option("--fault", help="A fault of its pods.")] = None,
    stack: StackOption = "dev",
    directory: Annotated[
        Path | None, typer.Option("--directory", envvar=DIRECTORY_VARIABLE, help="Where the rehearsal's files are.")
    ] = None,
) -> None:
    """Print a demo image for `python -m release`; its pods answer with its version, and have its fault."""
    template = _rehearsal(stack, directory).api().get("v1", "PodTemplate", service, environment)
    if template is None:
        raise RehearsalError(
            f"There is no service {service} in {environment}.",
            remedy=f"`python -m release status {environment}` lists them.",
        )
    (container, *_) = slots.containers_to_fill(template)
    repository = container["image"].partition("@")[0]
    print(f"{repository}:{version}@{demo_images.digest(version, fault)}")


def main() -> None:
    """Runs a command. A `RehearsalError` is printed without a traceback; the exit code is then 1."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        app()
    except RehearsalError as error:
        Console(stderr=True).print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        Console(stderr=True).print("Interrupted. Run the same command again: it goes on where this one stopped.")
        sys.exit(130)


def _rehearsal(stack: str, directory: Path | None, stacks: Path = CHECKOUT, *, verbose: bool = False) -> Rehearsal:
    layout = Layout(directory.resolve()) if directory else Layout.of_stack(stack)
    return Rehearsal(stack=stack, layout=layout, console=Console(), stacks=stacks, verbose=verbose)


def _show(rehearsal: Rehearsal, outputs: Mapping[str, Any]) -> None:
    api = rehearsal.api()
    traffic = control_plane.has_traffic(rehearsal.layout)
    nodes, slots = status.nodes(api), status.slot_table(api, outputs)
    summary.show(rehearsal.console, rehearsal.stack, outputs, nodes, slots, traffic=traffic)
    summary.show_logs(rehearsal.console, status.logs(api, outputs))
    summary.show_entrance(rehearsal.console, entrance(rehearsal.layout, outputs["hosts"]))


def _status(rehearsal: Rehearsal) -> dict[str, object]:
    outputs, layout = rehearsal.outputs(), rehearsal.layout
    door = entrance(layout, outputs["hosts"]) if outputs.get("hosts") else None
    return {
        "stack": rehearsal.stack,
        "kubeconfig": str(layout.kubeconfig),
        "api_server": outputs.get("cluster", {}).get("endpoint"),
        "state": workspace.backend_url(layout),
        "traffic": control_plane.has_traffic(layout),
        "front_door": asdict(door) if door else None,
        "outputs": outputs,
        "processes": [{"name": one.name, "pid": one.pid} for one in ProcessTable(layout.processes).running()],
    }
