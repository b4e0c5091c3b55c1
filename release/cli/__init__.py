"""The command line. The modules that commands need are imported when they run, so that `--help` is quick."""

from __future__ import annotations

import hashlib
import json
import platform
import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from contract.version import VERSION
from release.cli import page, reconciler, releases, reports
from release.cli.completion import asked_to_complete, completion
from release.cli.examples import epilog
from release.errors import ExitCode, ReleaseError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
for _command in (
    releases.deploy,
    releases.promote,
    releases.resume,
    releases.abort,
    releases.switch,
    releases.rollback,
    releases.retire,
    releases.verify,
    releases.repair,
    releases.unlock,
    reports.status,
    reports.history,
    reports.render,
    completion,
    reconciler.reconcile,
    page.page,
):
    app.command(epilog=epilog(_command.__name__))(_command)


def _print_version(is_asked: bool) -> None:
    """Prints what tells two copies of the tool apart: an agent's image and a laptop's checkout, for example."""
    if is_asked:
        from release.history import VERSION as FORMAT  # noqa: PLC0415 - slow to import

        parts = (f"source {source_digest()}", f"histories of version {FORMAT}", f"Python {platform.python_version()}")
        typer.echo(", ".join((f"release {VERSION}", *parts)))
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version, and end.")
    ] = False,
) -> None:
    """Deploy images into the blue and green slots of services, and switch between them."""


def main() -> None:
    """Runs a command; its errors are printed without a traceback, with `--json` as JSON on standard output, too."""
    signal.signal(signal.SIGTERM, _interrupt)
    code: object
    try:
        code = app(prog_name=asked_to_complete(), standalone_mode="--json" not in sys.argv)
    except SystemExit as end:
        code = end.code
    except ReleaseError as error:
        _fail(error)
    except typer.TyperException as error:  # with --json: else typer prints it
        usage = "python -m release COMMAND --help"
        _fail(ReleaseError(error.format_message(), remedy=usage, exit_code=ExitCode(error.exit_code)))
    except Exception as error:
        from kube.client import KubernetesApiError  # noqa: PLC0415 - slow to import
        from release.session import explain  # noqa: PLC0415 - likewise

        if not isinstance(error, KubernetesApiError):
            raise
        message, remedy = explain(error)
        _fail(ReleaseError(message, remedy=remedy, exit_code=ExitCode.FAILED))
    if code == ExitCode.INTERRUPTED:  # typer's exit code for a KeyboardInterrupt
        typer.echo("Interrupted. Run the same command again: it goes on where this one stopped.", err=True)
    sys.exit(code if isinstance(code, int) else 0)


def source_digest() -> str:
    """The first digits of the SHA-256 of the tool's own source."""
    digest = hashlib.sha256()
    for folder in ("contract", "kube", "release"):
        for file in sorted((Path(__file__).parents[2] / folder).rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _fail(error: ReleaseError) -> NoReturn:
    typer.echo(f"error: {error}", err=True)
    if "--json" in sys.argv:
        typer.echo(json.dumps([error.to_json()], indent=2))
    sys.exit(int(error.exit_code))
