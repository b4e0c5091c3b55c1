"""What happened to a service's releases between two looks at it, one line each for its logs: a pure function."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from release.history import Entry, Outcome
from release.state import ServiceState

DIGITS = 12
"""Digits of an image's digest that tell images apart."""


class Kind(enum.StrEnum):
    """What happened."""

    STARTED = "started"
    SWITCHED = "switched"
    RELEASED = "released"
    FAILED = "failed"


@dataclass(frozen=True)
class Announcement:
    """What happened to a release, for the dashboards of the logs.

    Attributes:
        kind: What happened.
        environment: The environment.
        service: The service.
        slot: The slot that it is about.
        text: A sentence.
        release: Id of the release in the history; None if none is known.
    """

    kind: Kind
    environment: str
    service: str
    slot: str
    text: str
    release: str | None

    def to_json(self) -> dict[str, Any]:
        """The line in the logs; `components/logging/fluentd/releases.py` reads it."""
        return {
            "level": "warn" if self.kind is Kind.FAILED else "info",
            "release": self.text,
            "release_event": str(self.kind),
            "environment": self.environment,
            "service": self.service,
            "slot": self.slot,
            "id": self.release,
        }


def announcements(before: ServiceState, after: ServiceState) -> Iterator[Announcement]:
    """What happened between two looks, in order."""
    known = {entry.id: entry for entry in before.history}
    last = after.history[-1].id if after.history else None

    def announcement(kind: Kind, slot: str, text: str, release: str | None) -> Announcement:
        return Announcement(kind, after.environment, after.service, slot, f"{after.service}: {text}", release)

    for entry in after.history:
        if entry.id not in known:
            text = f"{entry.action} of {_digits(entry)} into {entry.slot} by {entry.by}"
            yield announcement(Kind.STARTED, entry.slot, text, entry.id)
    if before.live != after.live:
        yield announcement(Kind.SWITCHED, after.live, f"users are switched to {after.live}", last)
    for entry in after.history:
        was_over = entry.id in known and known[entry.id].outcome is not Outcome.RUNNING
        if was_over or entry.outcome is Outcome.RUNNING:
            continue
        if entry.outcome is Outcome.RELEASED:
            yield announcement(Kind.RELEASED, entry.slot, f"{_digits(entry)} is released in {entry.slot}", entry.id)
        else:
            reason = f": {entry.reason}" if entry.reason else ""
            text = f"{entry.action} of {_digits(entry)} {entry.outcome}, {after.live} is live{reason}"
            yield announcement(Kind.FAILED, entry.slot, text, entry.id)


def _digits(entry: Entry) -> str:
    return entry.revision.digest.removeprefix("sha256:")[:DIGITS]
