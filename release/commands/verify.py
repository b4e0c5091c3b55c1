"""The command that verifies an image for prod."""

from __future__ import annotations

import functools

from release import check as checks
from release import signatures, smoke, verification
from release.errors import ExitCode, ReleaseError
from release.history import Revision
from release.images import in_use
from release.retries import retrying
from release.session import ServiceResult, Session
from release.state import ServiceState
from release.verification import TEST_ENVIRONMENT, VERIFIED_ENVIRONMENT, Record


def verify(
    session: Session,
    environment: str,
    service: str,
    *,
    image: str | None = None,
    check: str | None = None,
    check_within: float = 1800,
) -> ExitCode:
    """Checks the signature of what is live on dev, smoke tests it, runs the check, and records its image as verified.

    Args:
        session: The session.
        environment: The environment, which has to be dev.
        service: The service.
        image: The image that was tried; None for whatever is live.
        check: A shell command that tries it, which the record carries; None for the smoke test alone.
        check_within: Seconds for the check.

    Raises:
        ReleaseError: Another image is live, it is not ready, its release is unfinished, it has no signature where it
            needs one, or it fails the smoke test or the check; or another release came in during the check.
    """
    if environment != TEST_ENVIRONMENT:
        raise ReleaseError(
            f"images are verified in {TEST_ENVIRONMENT}, not in {environment}",
            remedy=f"release verify {TEST_ENVIRONMENT} {service}",
        )
    state, revision = _live(session, environment, service, image)
    key = session.retrying(verification.signing_key, session.api, service)
    if key is not None:
        failure = signatures.failure(state.repository, revision.digest, key)
        if failure is not None:
            raise ReleaseError(
                f"{revision.image} is not recorded: {failure}",
                remedy="start its pipeline again, which signs what is not signed; docs/delivery.md, `Signatures`",
            )
    get = functools.partial(session.caller().get, state.active_target)
    failure = smoke.failure(
        state.smoke_test,
        lambda path, timeout: get(path, timeout=timeout),
        now=session.clock.now,
        pause=session.clock.sleep,
    )
    if failure is not None:
        raise ReleaseError(f"{revision.image} is not recorded: {failure}", remedy="see the logs of its pods")
    if check is not None:
        tried = {"SERVICE": service, "ENVIRONMENT": environment, "IMAGE": revision.image}
        failure = checks.failure(check, tried, within=check_within)
        if failure is not None:
            raise ReleaseError(f"{revision.image} is not recorded: {failure}", remedy="see the check's output")
        _live(session, environment, service, revision.image)  # it is still what was tried
    digest = revision.digest
    record = Record(digest, session.user(), session.clock.now(), check, key)
    retrying(session.clock)(
        lambda: verification.write(
            session.api, service, record, in_use=in_use(session.observe(VERIFIED_ENVIRONMENT, service)) - {digest}
        )
    )
    # After the record: a clean-up that looks meanwhile sees the one or does not see the other.
    session.keep_image(session.observe(VERIFIED_ENVIRONMENT, service), revision.image)
    return session.print_results(
        [ServiceResult(environment, service, ExitCode.DONE, f"{digest} is verified for {VERIFIED_ENVIRONMENT}")]
    )


def _live(session: Session, environment: str, service: str, image: str | None) -> tuple[ServiceState, Revision]:
    """The service's state, and what is live and serves.

    Raises:
        ReleaseError: Nothing that serves is live, or another image than the given one.
    """
    state = session.observe(environment, service)
    revision = state.live_slot.revision
    if state.running is not None or state.live_failed or not state.live_slot.serves() or revision is None:
        raise ReleaseError(
            f"the live slot {state.live} of {service} is not ready, its release is under way, or it failed",
            remedy=f"see `release status {environment}`, and verify when it is",
        )
    if image not in (None, revision.image):
        raise ReleaseError(
            f"{service} has {revision.image} live in {environment}, not {image}: another release came in between",
            remedy=f"release deploy {environment} {service} --image {image}, try it, and verify it",
        )
    return state, revision
