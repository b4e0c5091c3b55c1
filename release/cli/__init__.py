"""The command line. The modules that commands need are imported when they run, so that `--help` is quick."""

from __future__ import annotations

import signal
import sys
from typing import NoReturn

import typer

from release.cli import reconciler, releases, reports
from release.errors import ExitCode, ReleaseError

app = typer.Typer(
    help="Deploy images into the blue and green slots of services, and switch between them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
for _command in (
    releases.deploy,
    releases.promote,
    releases.switch,
    releases.rollback,
    releases.retire,
    releases.verify,
    releases.repair,
    releases.unlock,
    reports.status,
    reports.history,
    reports.render,
    reconciler.reconcile,
):
    app.command()(_command)


def main() -> None:
    """Runs a command; its errors are printed without a traceback."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        app()
    except ReleaseError as error:
        _fail(error)
    except SystemExit as end:
        if end.code == ExitCode.INTERRUPTED:  # typer's exit code for a KeyboardInterrupt
            typer.echo("Interrupted. Run the same command again: it goes on where this one stopped.", err=True)
        raise
    except Exception as error:
        from kube.client import KubernetesApiError  # noqa: PLC0415 - slow to import
        from release.session import explain  # noqa: PLC0415 - likewise

        if not isinstance(error, KubernetesApiError):
            raise
        message, remedy = explain(error)
        _fail(ReleaseError(message, remedy=remedy, exit_code=ExitCode.FAILED))


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _fail(error: ReleaseError) -> NoReturn:
    typer.echo(f"error: {error}", err=True)
    sys.exit(int(error.exit_code))
