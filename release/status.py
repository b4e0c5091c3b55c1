"""The status of services, for a person and for a script."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from rich.text import Text

from contract.blue_green import SLOTS, lock_name
from release import lock
from release.errors import ReleaseError
from release.history import Outcome, version_of
from release.lock import Holder
from release.messages import named
from release.objects import ObjectReader
from release.observe import observe
from release.problems import problems
from release.state import ServiceState, Slot
from release.tables import Row, Sheet


@dataclass(frozen=True)
class ServiceStatus:
    """The status of one service.

    Attributes:
        seen: Its state.
        holder: The holder of its lock: who is releasing it, or was when the tool died.
    """

    seen: ServiceState
    holder: Holder | None

    @property
    def is_healthy(self) -> bool:
        """Whether users reach the live slot with the fewest pods it may have, or nothing was released yet."""
        return self.seen.is_serving or not self.seen.was_released

    def to_json(self) -> dict[str, Any]:
        """The status for `--json`; times are in ISO 8601."""
        state, last = self.seen, self.seen.history[-1] if self.seen.history else None
        return {
            "environment": state.environment,
            "service": state.service,
            "live": state.live,
            "healthy": self.is_healthy,
            "drift": state.has_drifted,
            "slots": {slot: _slot(state.slot(slot)) for slot in SLOTS},
            "warmUntil": state.warm_until.isoformat() if state.warm_until and state.idle_slot.desired else None,
            "autoscaled": state.autoscaled,
            "weights": dict(state.weights) if state.weights else None,
            "problems": [f"{one.text}: {one.remedy}" for one in problems(state)],
            "lastRelease": last.to_json() if last else None,
            "lock": {"holder": self.holder.identity, "until": self.holder.until.isoformat()} if self.holder else None,
        }


@dataclass(frozen=True)
class Unreadable:
    """A service whose status cannot be told.

    Attributes:
        environment: The environment.
        service: The service.
        error: Why not, with what to do.
    """

    environment: str
    service: str
    error: str
    is_healthy = False

    def to_json(self) -> dict[str, Any]:
        """The status for `--json`."""
        return {"environment": self.environment, "service": self.service, "healthy": False, "problems": [self.error]}


Status: TypeAlias = ServiceStatus | Unreadable


def read_statuses(api: ObjectReader, environment: str, services: Iterable[str], *, now: datetime) -> list[Status]:
    """The status of some services of an environment; one that cannot be read hides no other.

    Args:
        api: The API server, or for many services a snapshot.
        environment: The namespace.
        services: Names of the services.
        now: The current time.

    Raises:
        KubernetesApiError: The API server refused.
    """

    def status(service: str) -> Status:
        try:
            holder = lock.holder(api.get("coordination.k8s.io/v1", "Lease", lock_name(service), environment))
            state = observe(api, environment, service, now=now)
        except ReleaseError as error:
            return Unreadable(environment, service, f"{error.message}: {error.remedy}")
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            return Unreadable(environment, service, f"an object has a form that this tool does not know: {error!r}")
        return ServiceStatus(state, holder if holder and holder.is_plausible(now) else None)

    return [status(service) for service in services]


def table(environment: str, statuses: Iterable[Status], *, full: bool = False) -> Sheet:
    """A table with one row for each slot of each service.

    Args:
        environment: The environment.
        statuses: The status of its services.
        full: Whether the whole image of each slot is shown, too.
    """
    rows: list[Row] = []
    for status in statuses:
        if isinstance(status, Unreadable):
            rows.append(Row((status.service, "", "", Text("?", style="red")), (status.error,)))
            continue
        rows += [_row(status, status.seen.slot(slot), full=full) for slot in SLOTS]
    return Sheet(environment, ("service", "slot", "state", "ready", "image", "age", "by"), rows)


def age(since: timedelta) -> str:
    """A time span in its largest unit, as kubectl prints it: `42s`, `7m`, `3h`, `12d`."""
    seconds = max(0, int(since.total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _row(status: ServiceStatus, slot: Slot, *, full: bool) -> Row:
    state = status.seen
    is_live = slot.name == state.live
    entries = [entry for entry in state.history if entry.revision == slot.revision and entry.slot == slot.name]
    last = entries[-1] if entries else None
    ready = f"{slot.ready}/{slot.desired}"
    as_desired = slot.is_ready or (slot.desired == 0 and (not is_live or slot.revision is None))
    image = slot.revision.image if slot.revision else None
    cells = (
        state.service if slot.name == SLOTS[0] else "",
        slot.name,
        Text("live", style="bold green") if is_live else _warm(state, slot),
        Text(ready, style="" if as_desired else "red"),
        named(image, version_of(state.history, image)) if image else Text("none yet", style="dim"),
        age(state.now - (last.finished or last.started)) if last else "",
        short_name(last.by) if last else "",
    )
    notes: list[Text | str] = [Text(note, style="yellow") for note in _notes(status, slot)]
    return Row(cells, [*([image] if image and full else []), *notes])


def _warm(state: ServiceState, slot: Slot) -> str:
    if not slot.desired or state.warm_until is None:
        return ""
    return f"warm {age(state.warm_until - state.now)}" if state.warm_until > state.now else "warm"


def _notes(status: ServiceStatus, slot: Slot) -> list[str]:
    state = status.seen
    notes = [str(trouble.reason) for trouble in slot.troubles]
    if state.weights and not state.follows_live:
        notes.append(f"gets {state.weights[slot.name]} % of the load balancer's requests")
    last = state.history[-1] if state.history else None
    if slot.name == state.live:
        if state.has_drifted:
            notes.append("older than the PodTemplate: `release deploy` applies it")
        notes += [f"{one.text}: `{one.remedy}`" for one in problems(state)]
        if state.live_failed:
            notes.append("its release failed, and there was no way back: `release deploy` a good image")
        if status.holder:
            notes.append(f"locked by {short_name(status.holder.identity.rpartition('/')[0])}")
        elif state.running:
            paused = state.running.paused
            what = f"waits at {paused}: `release resume`, or `abort`" if paused else "did not finish: run it again"
            notes.append(f"a {state.running.action} {what}")
    elif slot.desired and state.warm_until:
        if state.warm_until <= state.now:
            notes.append("warm time is over: `release retire`")
    elif last and (last.outcome, last.slot, last.revision) == (Outcome.FAILED, slot.name, slot.revision):
        notes.append("failed: `release history` says why")
    return notes


def short_name(user: str) -> str:
    """The last part of an ARN or of a service account's name: the whole would fill a line."""
    return re.split("[/:]", user)[-1]


def _slot(slot: Slot) -> dict[str, Any]:
    return {
        "image": slot.revision.image if slot.revision else None,
        "template": slot.revision.template if slot.revision else None,
        "wanted": slot.desired,
        "ready": slot.ready,
        "pods": slot.pods,
        "troubles": [str(trouble) for trouble in slot.troubles],
    }
