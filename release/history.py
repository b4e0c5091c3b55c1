"""The history of a service's releases, in one ConfigMap."""

from __future__ import annotations

import enum
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast

from contract import blue_green, labels
from kube.client import KubernetesObject
from release import objects
from release.analysis.result import Result
from release.hooks.values import HookRun, HookSettings
from release.objects import ObjectApi

LIMIT = 10
"""Number of entries that are kept. Configuration that only older releases used may be deleted."""

VERSION = 1
"""Version of an entry's format. A reader takes what it knows of any version, and writes back what it cannot read."""

_KEY = "releases.json"

_UNREADABLE = "unreadable"
"""Key of a history that was no JSON, when a new one took its place."""


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


@dataclass(frozen=True)
class Decision:
    """What a person decided on a release that waited.

    Attributes:
        by: The person, by the API server's name for them.
        at: When.
        pause: Where it waited; None if it was unfinished for another reason.
    """

    by: str
    at: datetime
    pause: str | None = None

    def to_json(self) -> dict[str, str | None]:
        """The decision as a history's entry has it."""
        return {"by": self.by, "at": self.at.isoformat(), "pause": self.pause}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Decision:
        """The decision of a JSON object."""
        return cls(str(value["by"]), _time(value.get("at")) or _NO_TIME, value.get("pause"))


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
        approved_by: Who approved it, by what the releasing user said; None if nobody was asked.
        started: Start time.
        finished: End time; None while it is running.
        outcome: Outcome.
        reason: Why it failed.
        override: Reason for letting an unverified image in.
        warm_seconds: How long the other slot stays warm after it.
        configuration: Names of the ConfigMaps and Secrets that its pods read.
        service_uid: UID of the active Service that it switched; None in entries of before.
        version: The image's tag, for people; None if nothing tells it.
        canary: The weights in percent that its slot gets before the switch, in their order.
        step_seconds: How long each of them lasts.
        analyses: The results of its analyses, in their order.
        keep_failed: Whether a rollback keeps the pods of the slot that it leaves.
        hooks: The service's hooks when it began.
        hook_runs: How those ended that have.
        pauses: Where it waits for a person: `before-switch`.
        paused: Where it waits now; None if it does not.
        decisions: What people decided on it.
        aborted: Why a person had it taken back; None if nobody had.
    """

    id: str
    action: Action
    slot: str
    revision: Revision
    previous: Revision | None
    by: str
    started: datetime
    build: str | None = None
    approved_by: str | None = None
    finished: datetime | None = None
    outcome: Outcome = Outcome.RUNNING
    reason: str | None = None
    override: str | None = None
    warm_seconds: int = 0
    configuration: tuple[str, ...] = ()
    service_uid: str | None = None
    version: str | None = None
    canary: tuple[int, ...] = ()
    step_seconds: float = 0
    analyses: tuple[Result, ...] = ()
    keep_failed: bool = False
    hooks: tuple[HookSettings, ...] = ()
    hook_runs: tuple[HookRun, ...] = ()
    pauses: tuple[str, ...] = ()
    paused: str | None = None
    decisions: tuple[Decision, ...] = ()
    aborted: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The entry as the ConfigMap and `--json` contain it."""
        return {
            "version": VERSION,
            "id": self.id,
            "action": self.action,
            "slot": self.slot,
            "image": self.revision.image,
            "imageVersion": self.version,
            "template": self.revision.template,
            "previousImage": self.previous.image if self.previous else None,
            "previousTemplate": self.previous.template if self.previous else None,
            "by": self.by,
            "build": self.build,
            "approvedBy": self.approved_by,
            "started": self.started.isoformat(),
            "finished": self.finished.isoformat() if self.finished else None,
            "outcome": self.outcome,
            "reason": self.reason,
            "override": self.override,
            "warmSeconds": self.warm_seconds,
            "configuration": list(self.configuration),
            "serviceUid": self.service_uid,
            "canary": list(self.canary),
            "stepSeconds": self.step_seconds,
            "analyses": [result.to_json() for result in self.analyses],
            "keepFailed": self.keep_failed,
            "hooks": [one.to_json() for one in self.hooks],
            "hookRuns": [one.to_json() for one in self.hook_runs],
            "pauses": list(self.pauses),
            "paused": self.paused,
            "decisions": [one.to_json() for one in self.decisions],
            "aborted": self.aborted,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Entry:
        """The entry of a JSON object that `to_json` of this or another version returned.

        Raises:
            KeyError: A field is missing that no default can stand for.
            ValueError: A field has a value that this version does not know.
        """
        previous, finished = value.get("previousImage"), value.get("finished")
        slot = str(value["slot"])
        if slot not in blue_green.SLOTS:
            raise ValueError(f"{slot} is no slot")
        return cls(
            id=str(value.get("id", "")),
            action=Action(value["action"]),
            slot=slot,
            revision=Revision(str(value["image"]), value.get("template")),
            previous=Revision(previous, value.get("previousTemplate")) if previous else None,
            by=str(value.get("by", "unknown")),
            build=value.get("build"),
            approved_by=value.get("approvedBy"),
            started=_time(value.get("started")) or _NO_TIME,
            finished=_time(finished),
            outcome=Outcome(value["outcome"]),
            reason=value.get("reason"),
            override=value.get("override"),
            warm_seconds=int(value.get("warmSeconds") or 0),
            configuration=tuple(str(name) for name in value.get("configuration") or ()),
            service_uid=value.get("serviceUid"),
            version=value.get("imageVersion"),
            canary=tuple(int(weight) for weight in value.get("canary") or ()),
            step_seconds=float(value.get("stepSeconds") or 0),
            analyses=tuple(Result.from_json(one) for one in value.get("analyses") or ()),
            keep_failed=bool(value.get("keepFailed")),
            hooks=tuple(HookSettings.from_json(one) for one in value.get("hooks") or ()),
            hook_runs=tuple(HookRun.from_json(one) for one in value.get("hookRuns") or ()),
            pauses=tuple(str(pause) for pause in value.get("pauses") or ()),
            paused=value.get("paused"),
            decisions=tuple(Decision.from_json(one) for one in value.get("decisions") or ()),
            aborted=value.get("aborted"),
        )


_NO_TIME = datetime.fromtimestamp(0, UTC)


def _time(text: object) -> datetime | None:
    """A time in ISO 8601, in UTC unless it says otherwise; None without one.

    Raises:
        ValueError: It is none.
    """
    if not text:
        return None
    time = datetime.fromisoformat(str(text))
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def parse(config_map: KubernetesObject | None) -> tuple[Entry, ...]:
    """The entries of a service's ConfigMap, newest last, but for those that cannot be read."""
    return tuple(entry for _, entry in _readable(config_map) if entry is not None)


def problems(config_map: KubernetesObject | None) -> list[str]:
    """What of a history cannot be read: another tool, a person or a newer version wrote it."""
    try:
        found = _read(_text(config_map))
    except ValueError as error:
        return [f"the history is no JSON list ({error})"]
    count = sum(entry is None for _, entry in found)
    return [f"{count} of {len(found)} entries of the history cannot be read"] if count else []


def version_of(entries: Sequence[Entry], image: str) -> str | None:
    """The version of an image, by the newest entry that knows it; None if none does."""
    known = [entry.version for entry in entries if entry.version and entry.revision.image == image]
    return known[-1] if known else None


def _text(config_map: KubernetesObject | None) -> str:
    data: dict[str, Any] = (config_map or {}).get("data") or {}
    return data.get(_KEY) or "[]"


@lru_cache(maxsize=256)
def _read(text: str) -> tuple[tuple[Any, Entry | None], ...]:
    """Each JSON value of a history, with its entry, or None where it is none; a look reads the same text again.

    Raises:
        ValueError: The text is no JSON list.
    """
    values = json.loads(text)
    if not isinstance(values, list):
        raise ValueError(f"it is a {type(values).__name__}")  # noqa: TRY004 - like what is no JSON
    return tuple((value, _entry(value)) for value in cast("list[Any]", values))


def _readable(config_map: KubernetesObject | None) -> tuple[tuple[Any, Entry | None], ...]:
    try:
        return _read(_text(config_map))
    except ValueError:
        return ()


def _entry(value: Any) -> Entry | None:
    try:
        return Entry.from_json(value)
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def added(entries: Sequence[Entry], entry: Entry) -> tuple[Entry, ...]:
    """The last `LIMIT` entries with a new one, which replaces an entry of the same id.

    An entry that another one follows already stays in its place. Other entries that are still running become
    interrupted.
    """
    if entry.outcome is not Outcome.RUNNING and any(one.id == entry.id for one in entries):
        return tuple(entry if one.id == entry.id else one for one in entries)
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
    unreadable = [value for value, entry in _readable(config_map) if entry is None][-LIMIT:]
    entries = [one.to_json() for one in added(parse(config_map), entry)]
    data: dict[str, Any] = {**((config_map or {}).get("data") or {})}
    if any("no JSON" in problem for problem in problems(config_map)):
        data[_UNREADABLE] = data[_KEY]
    data[_KEY] = json.dumps([*unreadable, *entries], indent=1)
    if config_map is None:
        metadata = {
            "name": blue_green.history_name(service),
            "namespace": namespace,
            "labels": {labels.SERVICE: service},
        }
        objects.create(api, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    else:
        objects.patch(api, config_map, [{"op": "add", "path": "/data", "value": data}])
