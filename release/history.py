"""What was released, when and by whom: a ConfigMap a service, with a limit."""

from __future__ import annotations

import enum
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from contract import blue_green, labels
from kube.client import KubernetesObject
from release import objects
from release.objects import ObjectApi

LIMIT = 10
"""Entries that are kept; what the eleventh names may be collected."""

_KEY = "releases.json"


name = blue_green.history
"""The ConfigMap's name, by the service's."""


@dataclass(frozen=True)
class Revision:
    """What a slot runs.

    Attributes:
        image: By digest.
        template: Hash of the PodTemplate it was rendered from; None where something else rendered it.
    """

    image: str
    template: str | None

    @property
    def digest(self) -> str:
        """`sha256:…`."""
        return self.image.rpartition("@")[2]


class Action(enum.StrEnum):
    """What was asked for."""

    DEPLOY = "deploy"
    SWITCH = "switch"
    ROLLBACK = "rollback"


class Outcome(enum.StrEnum):
    """How it went."""

    RUNNING = "running"
    """Not finished; its tool works, or was ended."""
    RELEASED = "released"
    """Its slot is live."""
    FAILED = "failed"
    """The slot before it is live again, or still."""
    INTERRUPTED = "interrupted"
    """Its tool was ended, and something else was asked for afterwards."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One release.

    Attributes:
        id: Of this release only.
        action: What was asked for.
        slot: The slot that shall be live.
        revision: What it shall run.
        previous: What the other slot ran, if anything.
        by: Who asked, as the API server names them.
        build: The pipeline's run, where one asked.
        started: When.
        finished: When it was over; None while it is running.
        outcome: How it went.
        reason: Why it failed.
        override: Why an unverified image was let in.
        warm_seconds: How long the other slot stays warm after it.
        configuration: Names of the ConfigMaps and Secrets that its pods read.
    """

    id: str
    action: Action
    slot: str
    revision: Revision
    previous: Revision | None
    by: str
    started: datetime
    build: str | None = None
    finished: datetime | None = None
    outcome: Outcome = Outcome.RUNNING
    reason: str | None = None
    override: str | None = None
    warm_seconds: int = 0
    configuration: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The entry as the ConfigMap and `--json` have it."""
        return {
            "id": self.id,
            "action": self.action,
            "slot": self.slot,
            "image": self.revision.image,
            "template": self.revision.template,
            "previousImage": self.previous.image if self.previous else None,
            "previousTemplate": self.previous.template if self.previous else None,
            "by": self.by,
            "build": self.build,
            "started": self.started.isoformat(),
            "finished": self.finished.isoformat() if self.finished else None,
            "outcome": self.outcome,
            "reason": self.reason,
            "override": self.override,
            "warmSeconds": self.warm_seconds,
            "configuration": list(self.configuration),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Entry:
        """The entry that `to_json` made this from."""
        previous, finished = value["previousImage"], value["finished"]
        return cls(
            id=value["id"],
            action=Action(value["action"]),
            slot=value["slot"],
            revision=Revision(value["image"], value["template"]),
            previous=Revision(previous, value["previousTemplate"]) if previous else None,
            by=value["by"],
            build=value["build"],
            started=datetime.fromisoformat(value["started"]),
            finished=datetime.fromisoformat(finished) if finished else None,
            outcome=Outcome(value["outcome"]),
            reason=value["reason"],
            override=value["override"],
            warm_seconds=value["warmSeconds"],
            configuration=tuple(value["configuration"]),
        )


def parse(config_map: KubernetesObject | None) -> tuple[Entry, ...]:
    """The entries of a service's ConfigMap, newest last; none where there is no ConfigMap."""
    text = (config_map or {}).get("data", {}).get(_KEY, "[]")
    return tuple(Entry.from_json(value) for value in json.loads(text))


def added(entries: Sequence[Entry], entry: Entry) -> tuple[Entry, ...]:
    """The entries with this one in its place, or behind them; the oldest beyond the limit are gone.

    An entry that was left running by a tool that is gone becomes an interrupted one.
    """
    known = [one for one in entries if one.id != entry.id]
    closed = [
        replace(one, outcome=Outcome.INTERRUPTED, finished=entry.started) if one.outcome is Outcome.RUNNING else one
        for one in known
    ]
    return tuple([*closed, entry][-LIMIT:])


def write(api: ObjectApi, namespace: str, service: str, entry: Entry) -> None:
    """Adds an entry to a service's history, or changes it there.

    Raises:
        LostRaceError: Somebody else wrote at the same time: look again, and write again.
        KubernetesApiError: The API server refused.
    """
    found = api.get("v1", "ConfigMap", name(service), namespace)
    text = json.dumps([one.to_json() for one in added(parse(found), entry)], indent=1)
    data = {_KEY: text}
    if found is None:
        metadata = {"name": name(service), "namespace": namespace, "labels": {labels.SERVICE: service}}
        objects.create(api, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    else:
        objects.patch(api, found, [{"op": "add", "path": "/data", "value": data}])
