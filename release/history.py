"""The history of a service's releases, in one ConfigMap."""

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
"""Number of entries that are kept. Configuration that only older releases used may be deleted."""

_KEY = "releases.json"


@dataclass(frozen=True)
class Revision:
    """What a slot runs: an image, and the PodTemplate around it.

    Attributes:
        image: Image by digest.
        template: Hash of the PodTemplate that the slot was rendered from; None if another tool rendered it.
    """

    image: str
    template: str | None

    @property
    def digest(self) -> str:
        """`sha256:…`."""
        return self.image.rpartition("@")[2]


class Action(enum.StrEnum):
    """Kind of a release."""

    DEPLOY = "deploy"
    SWITCH = "switch"
    ROLLBACK = "rollback"


class Outcome(enum.StrEnum):
    """Outcome of a release."""

    RUNNING = "running"
    """Not finished: under way, or its run of the tool was interrupted."""
    RELEASED = "released"
    """Its slot is live."""
    FAILED = "failed"
    """The slot before it is still live, or live again; or there was no way back, and its own slot is live."""
    INTERRUPTED = "interrupted"
    """Its run of the tool was interrupted, and another release began."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One release.

    Attributes:
        id: Unique name of the release.
        action: Kind of the release.
        slot: The slot that it makes live.
        revision: The revision that it makes live.
        previous: The revision that was live before, if any.
        by: The releasing user, by the API server's name for them.
        build: URL of the pipeline's build, if one released.
        started: Start time.
        finished: End time; None while it is running.
        outcome: Outcome.
        reason: Why it failed.
        override: Reason for letting an unverified image in.
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
        """The entry as the ConfigMap and `--json` contain it."""
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
        """The entry of a JSON object that `to_json` returned."""
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
    """The last `LIMIT` entries with a new one, which replaces an entry of the same id.

    Other entries that are still running become interrupted.
    """
    others = [
        replace(other, outcome=Outcome.INTERRUPTED, finished=entry.started)
        if other.outcome is Outcome.RUNNING
        else other
        for other in entries
        if other.id != entry.id
    ]
    return tuple([*others, entry][-LIMIT:])


def write(api: ObjectApi, namespace: str, service: str, entry: Entry) -> None:
    """Adds an entry to a service's history, or replaces the one of the same id.

    Raises:
        LostRaceError: Somebody else wrote at the same time: try again.
        KubernetesApiError: The API server refused.
    """
    config_map = api.get("v1", "ConfigMap", blue_green.history_name(service), namespace)
    text = json.dumps([one.to_json() for one in added(parse(config_map), entry)], indent=1)
    data = {_KEY: text}
    if config_map is None:
        metadata = {
            "name": blue_green.history_name(service),
            "namespace": namespace,
            "labels": {labels.SERVICE: service},
        }
        objects.create(api, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    else:
        objects.patch(api, config_map, [{"op": "add", "path": "/data", "value": data}])
