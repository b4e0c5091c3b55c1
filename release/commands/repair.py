"""The commands for a service that is in a state which no release left: repair and unlock."""

from __future__ import annotations

from contract import blue_green
from release import changes, events, lock, objects
from release.errors import ExitCode, ReleaseError
from release.lock import Lock
from release.messages import describe
from release.problems import problems
from release.session import ServiceResult, Session

LEASE = "coordination.k8s.io/v1"


def repair(session: Session, environment: str, service: str, *, yes: bool) -> ExitCode:
    """Says what is wrong with a service and what it would do about it; with `yes` it does it, under the lock.

    Raises:
        ReleaseError: A release of the service is under way.
    """
    state = session.observe(environment, service)
    found = problems(state)
    for problem in found:
        action = describe(state, problem.step) if problem.step else f"what to do: {problem.remedy}"
        session.progress.print(f"{problem.text}\n  {action}", markup=False, highlight=False, soft_wrap=True)
    if not found:
        return _done(session, environment, service, "nothing to repair")
    if not any(problem.step for problem in found):
        return _done(session, environment, service, "nothing that this command can repair", ExitCode.NOT_READY)
    if not yes:
        return _done(session, environment, service, "nothing was changed: --yes does it")
    mine = Lock(session.api, environment, service, f"{session.user()}/repair", session.clock)
    if (holder := session.retrying(mine.acquire)) is not None:
        raise ReleaseError(
            f"a release of {service} in {environment} is under way, by {holder.identity}",
            remedy=f"wait for its end; if it has died: release unlock {environment} {service}",
            exit_code=ExitCode.LOCKED,
        )
    try:
        while step := next((one.step for one in problems(state) if one.step), None):
            mine.check()
            changes.apply(session.api, state, step)
            events.write(
                session.api,
                environment,
                service,
                uid=state.uid,
                reason="Repaired",
                message=describe(state, step),
                now=session.clock.now(),
                kind="Warning",
            )
            state = session.observe(environment, service)
    finally:
        session.retrying(mine.release)
    return _done(session, environment, service, f"repaired: slot {state.live} is live")


def unlock(session: Session, environment: str, service: str, *, yes: bool) -> ExitCode:
    """Says who holds a service's lock; with `yes` it takes it away. A run that still lives notices, and ends."""
    lease = session.retrying(lambda: session.api.get(LEASE, "Lease", blue_green.lock_name(service), environment))
    holder = lock.holder(lease)
    if lease is None or holder is None:
        return _done(session, environment, service, "is not locked")
    if not yes:
        return _done(session, environment, service, f"is locked by {holder.identity}; --yes takes the lock away")
    objects.patch(session.api, lease, [{"op": "replace", "path": "/spec/holderIdentity", "value": ""}])
    return _done(session, environment, service, f"is unlocked; {holder.identity} held the lock")


def _done(session: Session, environment: str, service: str, text: str, code: ExitCode = ExitCode.DONE) -> ExitCode:
    return session.print_results([ServiceResult(environment, service, code, text)])
