"""The command line of the page of releases."""

from __future__ import annotations

from typing import Annotated

import typer

from release.cli.options import Kubeconfig, KubeContext, open_session


def page(
    environments: Annotated[list[str] | None, typer.Argument(help="By default dev and prod.", metavar="ENV…")] = None,
    *,
    address: Annotated[str, typer.Option(help="IP address to listen on; 0.0.0.0 in a pod.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="TCP port.")] = 8080,
    kubeconfig: Kubeconfig = None,
    context: KubeContext = None,
) -> None:
    """Serve a page that shows all services, live, and changes nothing.

    It asks for no login: whoever reaches the address sees it. Runs as a Deployment of the cluster, or here.
    """
    session = open_session(kubeconfig, context, as_json=False, only_reads=True)
    from release.commands import page as command  # noqa: PLC0415 - slow to import
    from release.verification import TEST_ENVIRONMENT, VERIFIED_ENVIRONMENT  # noqa: PLC0415 - likewise

    command.page(session, environments or [TEST_ENVIRONMENT, VERIFIED_ENVIRONMENT], address=address, port=port)
