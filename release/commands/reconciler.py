"""The command that never ends: the reconciler, as a pod of the cluster runs it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NoReturn

from kube.client import KubernetesApiError
from release import health
from release.announcements import Announcement
from release.commands.releases import clean_up
from release.context import Context
from release.display import Display
from release.duties import Policy
from release.reconciler import BUSY_SECONDS, QUIET_SECONDS, Reconciler
from release.rules import weights_in_effect
from release.session import Session

LIVELY_SECONDS, READY_SECONDS = 180, 60
"""Ages of the last look, tried or done, at which the reconciler does not live, and is not ready, any more. A look lasts
as long as the API server keeps its requests waiting."""


def reconcile(session: Session, environments: Sequence[str], policy: Policy, *, port: int) -> NoReturn:
    """Looks at all services again and again, and does what is due.

    It needs no end: what it was doing when it is killed, the next one does. A health check answers on a port:
    `/healthz` while it goes round, `/readyz` while the API server answers it.
    """
    user, caller, clock = session.user(), session.caller(), session.clock
    display = Display(session.progress)

    def context(environment: str, service: str) -> Context:
        report = display.reporter(environment, service)
        return Context(
            api=session.api,
            caller=caller,
            clock=clock,
            report=report,
            by=user,
            limits=session.options.limits,
            clean_up=lambda: clean_up(session, environment, service, report),
            weights=lambda state: weights_in_effect(session.api, state),
        )

    def announce(one: Announcement) -> None:
        session.print(json.dumps(one.to_json()))

    reconciler = Reconciler(session.api, clock, context, environments, policy, announce)
    tried = clock.monotonic()
    checks = {
        "/healthz": lambda: clock.monotonic() - tried < LIVELY_SECONDS,
        "/readyz": lambda: reconciler.looked is not None and clock.monotonic() - reconciler.looked < READY_SECONDS,
    }
    with health.served(port, checks):
        session.print(f"Reconciling {' and '.join(environments)} as {user}")
        while True:
            try:
                reconciler.start(reconciler.look())
            except KubernetesApiError as error:
                session.print(f"No look: the API server: {error}")
            tried = clock.monotonic()
            clock.sleep(BUSY_SECONDS if reconciler.is_busy else QUIET_SECONDS)
