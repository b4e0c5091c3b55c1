"""The commands that change nothing: status and history."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType

from rich.console import Group
from rich.live import Live
from rich.text import Text

from release import verification
from release.errors import ExitCode
from release.history import Entry, Outcome, version_of
from release.messages import named
from release.session import Session
from release.snapshot import Snapshot
from release.status import Status, read_statuses, short_name, table
from release.tables import Row, Sheet
from release.threads import ANSWER_SECONDS, at_once, by
from release.verification import Record


def status(
    session: Session,
    environments: Sequence[str],
    names: Sequence[str],
    *,
    watch: bool,
    full: bool = False,
    deadline: float | None = None,
) -> ExitCode:
    """Shows the status of services, without names of all; `NOT_READY` if a live slot does not serve.

    Args:
        session: The session.
        environments: The environments.
        names: The services; none for all.
        watch: Whether to go on showing it.
        full: Whether each image is shown in full.
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
        return Group(*(table(environment, statuses, full=full) for environment, statuses in found.items()))

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
        session.out.print(tables(statuses), crop=False)
    is_healthy = all(one.is_healthy for found in statuses.values() for one in found)
    return ExitCode.DONE if is_healthy else ExitCode.NOT_READY


def history(session: Session, environment: str, service: str, *, full: bool = False) -> ExitCode:
    """Shows a service's last releases, newest first.

    Args:
        session: The session.
        environment: The environment.
        service: The service.
        full: Whether each release's id and its image in full are shown, ready to be deployed again.
    """
    deadline = time.monotonic() + ANSWER_SECONDS
    entries = by(deadline, lambda: session.observe(environment, service)).history
    records = by(deadline, lambda: session.retrying(verification.records, session.api, environment, service))
    if session.options.as_json:
        session.print_json([_with_record(entry, records) for entry in reversed(entries)])
    elif entries:
        title = f"{environment}/{service}"
        session.out.print(history_table(title, entries, full=full, records=records), crop=False)
    else:
        session.print(f"{environment}/{service} has no releases yet")
    return ExitCode.DONE


def _with_record(entry: Entry, records: Mapping[str, Record]) -> dict[str, object]:
    record = records.get(entry.revision.digest)
    return {**entry.to_json(), **({"verification": record.to_json()} if record else {})}


def _told(record: Record) -> str:
    check = f" after the check {record.check}" if record.check else ""
    signed = ", signed" if record.signed_with else ""
    return f"verified by {short_name(record.by)} at {record.at:%Y-%m-%d %H:%M}{check}{signed}"


def _decisions(entry: Entry) -> Iterator[str]:
    if entry.paused:
        yield f"waits at {entry.paused}"
    for one in entry.decisions:
        what = "aborted" if entry.aborted and one is entry.decisions[-1] else "resumed"
        yield f"{what} by {short_name(one.by)} at {one.at:%Y-%m-%d %H:%M}" + (f", {one.pause}" if one.pause else "")


def _hook_runs(entry: Entry) -> Iterator[str]:
    for run in entry.hook_runs:
        yield f"hook {run.hook}: " + (f"failed: {run.failure}" if run.failure else "done") + f" (Job {run.job})"


_STYLES = {Outcome.RELEASED: "green", Outcome.FAILED: "red", Outcome.INTERRUPTED: "yellow", Outcome.RUNNING: "bold"}


def history_table(
    title: str, entries: Sequence[Entry], *, full: bool = False, records: Mapping[str, Record] = MappingProxyType({})
) -> Sheet:
    """A table of releases, newest first, with the reason of each that failed, and how its image was verified.

    Args:
        title: Its heading.
        entries: The releases, newest last.
        full: Whether each release's id and its image in full are shown, too.
        records: Records of verified images, by digest.
    """

    def row(entry: Entry) -> Row:
        image = entry.revision.image
        cells = (
            f"{entry.started:%Y-%m-%d %H:%M}",
            entry.action,
            Text(entry.outcome, style=_STYLES[entry.outcome]),
            entry.slot,
            named(image, entry.version or version_of(entries, image)),
            short_name(entry.by),
        )
        override = f"override: {entry.override}" if entry.override else None
        approved = f"approved by {entry.approved_by}" if entry.approved_by else None
        whole = (image, f"release {entry.id}") if full else ()
        record = records.get(entry.revision.digest)
        notes = (*whole, entry.reason, override, approved, entry.build, _told(record) if record else None)
        notes = (*notes, *_decisions(entry), *_hook_runs(entry))
        return Row(cells, [note for note in notes if note])

    columns = ("started (UTC)", "action", "outcome", "slot", "image", "by")
    return Sheet(title, columns, [row(entry) for entry in reversed(entries)])
