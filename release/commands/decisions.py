"""The commands by which a person decides on a release that waits, or that nobody is at work on: resume and abort."""

from __future__ import annotations

from release.commands.releases import release
from release.errors import ExitCode, ReleaseError
from release.goals import Resume
from release.session import Session
from release.state import ServiceState


def resume(session: Session, environment: str, service: str) -> ExitCode:
    """Lets a release go on that waits for a person, or that is unfinished; records who did.

    Raises:
        ReleaseError: There is none.
    """
    return _decide(session, environment, service, None)


def abort(session: Session, environment: str, service: str, *, reason: str | None) -> ExitCode:
    """Takes back a release that waits for a person, or that is unfinished; records who did, and why.

    Raises:
        ReleaseError: There is none.
    """
    return _decide(session, environment, service, f"aborted: {reason}" if reason else "aborted")


def _decide(session: Session, environment: str, service: str, failure: str | None) -> ExitCode:
    user = session.user()

    def goal(state: ServiceState) -> Resume:
        if state.running is None:
            raise ReleaseError(
                f"no release of {service} in {environment} waits or is unfinished",
                remedy="see `release history`; `release rollback` goes back from what is live",
            )
        return Resume(state.running.id, f"{failure} (by {user})" if failure else None, user)

    return release(session, environment, {service: goal})
