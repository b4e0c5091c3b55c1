"""The parts of the engine's events that the report uses.

https://github.com/pulumi/pulumi/blob/v3.260.0/sdk/go/common/apitype/events.go
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from pipelines.preview_report import values
from pipelines.preview_report.data import HOLDS_DATA

ORDER = ("deleted", "replaced", "changed", "created")
"""The verbs of a report, those that may lose something first."""

VERBS = {
    "create": "created",
    "import": "created",
    "update": "changed",
    "replace": "replaced",
    "delete": "deleted",
}
"""Verb of each operation in the report; parts of a replacement and `same` are left out."""

UNREACHABLE = "cluster is unreachable"
"""Part of a warning of the Kubernetes provider, which then previews all objects as new.

https://github.com/pulumi/pulumi-kubernetes/blob/v4.29.0/provider/pkg/provider/provider.go
"""

LONGEST_LINE = 300
"""Most characters that the report quotes of a line that is no event."""

_COLOURS = re.compile(r"<\{%[^%]*%\}>|\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Change:
    """A change of a resource.

    Attributes:
        verb: `created`, `changed`, `replaced` or `deleted`.
        type: Pulumi type.
        name: The resource's name in the program.
        component: The outermost component that it belongs to, such as `Environment`; else its own type's last word.
        differences: Each property that differs: the kind of difference, its path, its value before and after.
    """

    verb: str
    type: str
    name: str
    component: str
    differences: tuple[str, ...]

    @property
    def loses_data(self) -> bool:
        """Whether the resource's data would be lost."""
        return self.verb in ("replaced", "deleted") and self.type in HOLDS_DATA


@dataclass(frozen=True)
class Resource:
    """A resource, as it is before or after the change.

    Attributes:
        type: Its Pulumi type.
        name: Its name in the program.
        urn: Its URN.
        parent: Its parent's URN; empty without one.
        inputs: Its inputs; what is not known before the change, and secrets, as the engine writes them.
    """

    type: str
    name: str
    urn: str
    parent: str
    inputs: Mapping[str, Any]


@dataclass(frozen=True)
class Preview:
    """A preview.

    Attributes:
        changes: In the engine's order.
        errors: Messages of errors; with any, it is not known what `up` would do.
        warnings: Messages of warnings.
        finished: Whether the engine finished the preview.
        before: All resources of the stack as they are, if the events have their states.
        after: The same as they would be.
    """

    changes: tuple[Change, ...]
    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    finished: bool
    before: tuple[Resource, ...] = ()
    after: tuple[Resource, ...] = ()

    def in_order(self) -> Iterator[Change]:
        """The changes by verb, in the order of `ORDER`."""
        return iter(sorted(self.changes, key=lambda change: ORDER.index(change.verb)))

    def counts(self, shown: str = "{} {}") -> str:
        """The number of changes by verb, such as `3 created, 1 deleted`; empty without any."""
        counts = Counter(change.verb for change in self.changes)
        return ", ".join(shown.format(counts[verb], verb) for verb in reversed(ORDER) if counts[verb])

    @property
    def failed(self) -> bool:
        """Whether the preview failed, so that its changes mean nothing."""
        return bool(self.errors) or not self.finished


def read(lines: Iterable[str]) -> Preview:
    """Reads the events, one a line, as `PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true pulumi preview --json` prints them.

    A line that is no event is an error of the preview: what else is missing is not known.
    """
    changes: list[Change] = []
    errors: list[str] = []
    warnings: list[str] = []
    before: dict[str, Resource] = {}
    after: dict[str, Resource] = {}
    finished = False
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        event = _event(line)
        if event is None:
            errors.append(f"line {number} of the engine's output is no event: {line.strip()[:LONGEST_LINE]}")
            continue
        if "resourcePreEvent" in event:
            metadata: dict[str, Any] = event["resourcePreEvent"]["metadata"]
            if metadata["op"] in VERBS and not metadata["type"].startswith("pulumi:"):
                changes.append(_change(metadata))
            _keep(before, metadata, metadata.get("old"))
            _keep(after, metadata, None if metadata["op"] in _GONE else metadata.get("new"))
        if error := _error(event):
            errors.append(error)
        elif warning := _warning(event):
            warnings.append(warning)
        if "summaryEvent" in event:
            finished = event["summaryEvent"].get("result", "succeeded") == "succeeded"
    resources = (tuple(before.values()), tuple(after.values()))
    return Preview(tuple(changes), tuple(errors), tuple(warnings), finished, *resources)


def _keep(resources: dict[str, Resource], metadata: Mapping[str, Any], state: Mapping[str, Any] | None) -> None:
    """Adds a resource by one of the states of its event."""
    if state is not None:
        urn = str(metadata["urn"])
        inputs = cast("Mapping[str, Any]", state.get("inputs") or {})
        name, parent = urn.rpartition("::")[2], state.get("parent") or ""
        resources[urn] = Resource(str(metadata["type"]), name, urn, parent, inputs)


def _event(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return cast("dict[str, Any]", event) if isinstance(event, dict) else None


def _error(event: Mapping[str, Any]) -> str | None:
    """Why the preview failed, if the event says that it did."""
    if policy := event.get("policyEvent"):
        if policy["enforcementLevel"] != "mandatory":
            return None
        urn, message = policy.get("resourceUrn", ""), f"policy {policy['policyName']}: {policy['message']}"
    else:
        diagnostic = event.get("diagnosticEvent", {})
        urn, message = diagnostic.get("urn", ""), diagnostic.get("message", "")
        if diagnostic.get("severity") != "error" and not (
            diagnostic.get("severity") == "warning" and UNREACHABLE in message.lower()
        ):
            return None
    return _about(urn, message)


def _warning(event: Mapping[str, Any]) -> str | None:
    """What the engine, a provider or the program warns of, if the event does."""
    diagnostic = event.get("diagnosticEvent", {})
    return _about("", diagnostic.get("message", "")) if diagnostic.get("severity") == "warning" else None


def _about(urn: str, message: str) -> str | None:
    """A message after the resource that it is about; None if it is empty."""
    resource, message = str(urn).rpartition("::")[2], _COLOURS.sub("", message).strip()
    return f"{resource}: {message}" if resource and message else message or None


def _change(metadata: dict[str, Any]) -> Change:
    differences: dict[str, dict[str, str]] = metadata.get("detailedDiff") or {}
    lines = [
        f"{_KINDS[difference['diffKind'].removesuffix('-replace')]} {path}{values.change(metadata, path)}"
        for path, difference in sorted(differences.items())
    ]
    types, name = metadata["urn"].split("::")[2:]
    component = types.split("$")[0].rpartition(":")[2]
    return Change(VERBS[metadata["op"]], metadata["type"], name, component, tuple(lines))


_GONE = ("delete", "delete-replaced", "discard", "discard-replaced")
"""Operations after which there is no such resource, or that are parts of a replacement."""

_KINDS = {"add": "+", "delete": "-", "update": "~"}
