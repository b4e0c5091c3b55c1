"""The command line of the reconciler."""

from __future__ import annotations

from typing import Annotated

import typer

from release.cli.options import ImageTags, Kubeconfig, KubeContext, OutageLimit, open_session


def reconcile(
    environments: Annotated[list[str] | None, typer.Argument(help="By default dev and prod.", metavar="ENV…")] = None,
    *,
    watch_for: Annotated[
        float, typer.Option("--watch-for", min=0, help="Seconds after a release in which the live pods are watched.")
    ] = 300,
    budget: Annotated[
        float, typer.Option("--error-budget", min=0, max=1, help="Share of the live pods that may fail meanwhile.")
    ] = 0.5,
    outage: OutageLimit = 10,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the health checks.")] = 8080,
    image_tags: ImageTags = True,
    kubeconfig: Kubeconfig = None,
    context: KubeContext = None,
) -> None:
    """Finish what was begun: run for ever, and do what is due.

    An abandoned release is ended, a version whose pods fail is left, a slot whose warm time is over is retired. Runs as
    a Deployment of the cluster.
    """
    session = open_session(kubeconfig, context, as_json=False, image_tags=image_tags, limits={"outage": outage})
    from release.commands import reconciler as command  # noqa: PLC0415 - slow to import
    from release.duties import Policy  # noqa: PLC0415 - likewise
    from release.verification import TEST_ENVIRONMENT, VERIFIED_ENVIRONMENT  # noqa: PLC0415 - likewise

    policy = Policy(watch=watch_for, budget=budget, outage=outage)
    command.reconcile(session, environments or [TEST_ENVIRONMENT, VERIFIED_ENVIRONMENT], policy, port=port)
