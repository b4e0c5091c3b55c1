"""How the services of an environment stand, for a person and for a machine."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rich.table import Table
from rich.text import Text

from contract.blue_green import SLOTS
from release import lock
from release.history import Outcome
from release.lock import Holder
from release.objects import ObjectApi
from release.observe import observe
from release.state import ServiceState, Slot


@dataclass(frozen=True)
class ServiceStatus:
    """One service.

    Attributes:
        seen: How it stands.
        holder: Who releases it right now, or did when the tool ended.
    """

    seen: ServiceState
    holder: Holder | None

    @property
    def is_healthy(self) -> bool:
        """Whether the live slot serves with as many pods as it shall have at least."""
        live = self.seen.live_slot
        return live.serves(at_least=min(live.wanted, self.seen.minimum))

    def to_json(self) -> dict[str, Any]:
        """For scripts: names and values as here, times in ISO 8601."""
        seen, last = self.seen, self.seen.history[-1] if self.seen.history else None
        return {
            "environment": seen.environment,
            "service": seen.service,
            "live": seen.live,
            "healthy": self.is_healthy,
            "drift": seen.has_drifted,
            "slots": {slot: _slot(seen.slot(slot)) for slot in SLOTS},
            "warmUntil": seen.warm_until.isoformat() if seen.warm_until and seen.idle_slot.wanted else None,
            "autoscaled": seen.autoscaled,
            "lastRelease": last.to_json() if last else None,
            "lock": {"holder": self.holder.identity, "until": self.holder.until.isoformat()} if self.holder else None,
        }


def look(api: ObjectApi, environment: str, services: Iterable[str], *, now: datetime) -> list[ServiceStatus]:
    """Looks at some services of an environment.

    Raises:
        ReleaseError: One of them is not there.
        KubernetesApiError: The API server refused.
    """

    def of(service: str) -> ServiceStatus:
        lease = api.get("coordination.k8s.io/v1", "Lease", lock.name(service), environment)
        holder = lock.holder(lease)
        return ServiceStatus(
            observe(api, environment, service, now=now), holder if holder and holder.until > now else None
        )

    return [of(service) for service in services]


def table(environment: str, found: Iterable[ServiceStatus]) -> Table:
    """Two rows a service, the slots."""
    shown = Table(title=environment, box=None, header_style="bold", pad_edge=False, title_justify="left")
    for column in ("service", "slot", "", "ready", "image", "age", "by", "note"):
        shown.add_column(column, no_wrap=column != "note")
    for status in found:
        for slot in SLOTS:
            shown.add_row(*_row(status, status.seen.slot(slot)))
    return shown


def age(since: timedelta) -> str:
    """A time span as kubectl writes it, by its largest unit: `42s`, `7m`, `3h`, `12d`."""
    seconds = max(0, int(since.total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _row(status: ServiceStatus, slot: Slot) -> tuple[Text | str, ...]:
    seen = status.seen
    is_live = slot.name == seen.live
    entries = [one for one in seen.history if one.revision == slot.revision and one.slot == slot.name]
    last = entries[-1] if entries else None
    ready = f"{slot.ready}/{slot.wanted}"
    good = slot.is_ready or (slot.wanted == 0 and (not is_live or slot.revision is None))
    return (
        seen.service if slot.name == SLOTS[0] else "",
        slot.name,
        Text("live", style="bold green") if is_live else "",
        Text(ready, style="" if good else "red"),
        slot.revision.digest.removeprefix("sha256:")[:12] if slot.revision else Text("none yet", style="dim"),
        age(seen.now - (last.finished or last.started)) if last else "",
        _short(last.by) if last else "",
        "; ".join(_notes(status, slot)),
    )


def _notes(status: ServiceStatus, slot: Slot) -> list[str]:
    seen = status.seen
    notes = [str(trouble.reason) for trouble in slot.troubles]
    last = seen.history[-1] if seen.history else None
    if slot.name == seen.live:
        if seen.has_drifted:
            notes.append("older than the PodTemplate: `release deploy` takes it up")
        if status.holder:
            notes.append(f"locked by {_short(status.holder.identity.rpartition('/')[0])}")
        elif seen.running:
            notes.append(f"a {seen.running.action} did not finish: run it again")
    elif slot.wanted and seen.warm_until:
        left = seen.warm_until - seen.now
        notes.append(f"warm for {age(left)}" if left > timedelta() else "warm time is over: `release retire`")
    elif last and (last.outcome, last.slot, last.revision) == (Outcome.FAILED, slot.name, slot.revision):
        notes.append("failed: `release history` says why")
    return notes


def _short(user: str) -> str:
    """The name in an ARN, or of a service account, whose whole name would fill a line."""
    return re.split("[/:]", user)[-1]


def _slot(slot: Slot) -> dict[str, Any]:
    return {
        "image": slot.revision.image if slot.revision else None,
        "template": slot.revision.template if slot.revision else None,
        "wanted": slot.wanted,
        "ready": slot.ready,
        "pods": slot.pods,
        "troubles": [str(trouble) for trouble in slot.troubles],
    }
