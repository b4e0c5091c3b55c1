"""The commands that change nothing: status and history."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from rich.console import Group
from rich.live import Live

from release.errors import ExitCode
from release.history import Entry
from release.session import Session
from release.snapshot import Snapshot
from release.status import Status, read_statuses, table
from release.threads import ANSWER_SECONDS, at_once, by


def status(
    session: Session, environments: Sequence[str], names: Sequence[str], *, watch: bool, deadline: float | None = None
) -> ExitCode:
    """Shows the status of services, without names of all; `NOT_READY` if a live slot does not serve.

    Args:
        session: The session.
        environments: The environments.
        names: The services; none for all.
        watch: Whether to go on showing it.
        deadline: The time of the monotonic clock by which it answers; by default in `ANSWER_SECONDS`.
    """

    def observe_one(environment: str) -> list[Status]:
        reader = session.api if len(names) == 1 else Snapshot(session.api, environment)
        return read_statuses(
            reader, environment, names or session.services(environment, reader), now=session.clock.now()
        )

    def observe() -> dict[str, list[Status]]:
        return dict(zip(environments, at_once(observe_one, environments), strict=True))

    def tables(found: Mapping[str, Iterable[Status]]) -> Group:
        return Group(*(table(environment, statuses) for environment, statuses in found.items()))

    statuses = by(deadline or time.monotonic() + ANSWER_SECONDS, lambda: session.retrying(observe))
    if session.options.as_json:
        session.print_json([one.to_json() for found in statuses.values() for one in found])
    elif watch:
        with (
            suppress(KeyboardInterrupt),
            Live(tables(statuses), console=session.out, auto_refresh=False) as live,
        ):
            while True:
                time.sleep(1)
                statuses = session.retrying(observe)
                live.update(tables(statuses), refresh=True)
    else:
        session.out.print(tables(statuses))
    is_healthy = all(one.is_healthy for found in statuses.values() for one in found)
    return ExitCode.DONE if is_healthy else ExitCode.NOT_READY


def history(session: Session, environment: str, service: str) -> ExitCode:
    """Shows a service's last releases, newest first."""
    deadline = time.monotonic() + ANSWER_SECONDS
    entries = list(reversed(by(deadline, lambda: session.observe(environment, service)).history))
    if session.options.as_json:
        session.print_json([entry.to_json() for entry in entries])
    else:
        for line in _history_lines(entries) if entries else [f"{environment}/{service} has no releases yet"]:
            session.print(line)
    return ExitCode.DONE


def _history_lines(entries: Iterable[Entry]) -> Iterator[str]:
    """Each release with its full image, ready to be copied into `release deploy`."""
    for entry in entries:
        started = f"{entry.started:%Y-%m-%d %H:%M %Z}"
        yield f"{started}  {entry.action:8}  {entry.slot:5}  {entry.outcome:11}  {entry.by}"
        override = f"override: {entry.override}" if entry.override else None
        yield from (f"  {line}" for line in (entry.revision.image, entry.reason, override, entry.build) if line)
