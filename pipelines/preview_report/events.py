"""The parts of the engine's events that the report uses.

https://github.com/pulumi/pulumi/blob/v3.260.0/sdk/go/common/apitype/events.go
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pipelines.preview_report import values
from pipelines.preview_report.data import HOLDS_DATA

VERBS = {
    "create": "created",
    "import": "created",
    "update": "changed",
    "replace": "replaced",
    "delete": "deleted",
}
"""Verb of each operation in the report; parts of a replacement and `same` are left out."""

_COLOURS = re.compile(r"<\{%[^%]*%\}>|\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Change:
    """A change of a resource.

    Attributes:
        verb: `created`, `changed`, `replaced` or `deleted`.
        type: Pulumi type.
        name: The resource's name in the program.
        differences: Each property that differs: the kind of difference, its path, its value before and after.
    """

    verb: str
    type: str
    name: str
    differences: tuple[str, ...]

    @property
    def loses_data(self) -> bool:
        """Whether the resource's data would be lost."""
        return self.verb in ("replaced", "deleted") and self.type in HOLDS_DATA


@dataclass(frozen=True)
class Preview:
    """A preview.

    Attributes:
        changes: In the engine's order.
        errors: Messages of errors; with any, it is not known what `up` would do.
        finished: Whether the engine finished the preview.
    """

    changes: tuple[Change, ...]
    errors: tuple[str, ...]
    finished: bool

    @property
    def failed(self) -> bool:
        """Whether the preview failed, so that its changes mean nothing."""
        return bool(self.errors) or not self.finished


def read(lines: Iterable[str]) -> Preview:
    """Reads the events, one a line, as `PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true pulumi preview --json` prints them.

    Raises:
        ValueError: A line is no JSON object.
    """
    changes: list[Change] = []
    errors: list[str] = []
    finished = False
    for line in filter(str.strip, lines):
        event: dict[str, Any] = json.loads(line)
        if "resourcePreEvent" in event:
            metadata: dict[str, Any] = event["resourcePreEvent"]["metadata"]
            if metadata["op"] in VERBS and not metadata["type"].startswith("pulumi:"):
                changes.append(_change(metadata))
        diagnostic = event.get("diagnosticEvent", {})
        if diagnostic.get("severity") == "error" and (message := _COLOURS.sub("", diagnostic["message"]).strip()):
            resource = str(diagnostic.get("urn", "")).rpartition("::")[2]
            errors.append(f"{resource}: {message}" if resource else message)
        if "summaryEvent" in event:
            finished = event["summaryEvent"].get("result", "succeeded") == "succeeded"
    return Preview(tuple(changes), tuple(errors), finished)


def _change(metadata: dict[str, Any]) -> Change:
    differences: dict[str, dict[str, str]] = metadata.get("detailedDiff") or {}
    lines = [
        f"{_KINDS[difference['diffKind'].removesuffix('-replace')]} {path}{values.change(metadata, path)}"
        for path, difference in sorted(differences.items())
    ]
    return Change(VERBS[metadata["op"]], metadata["type"], metadata["urn"].rpartition("::")[2], tuple(lines))


_KINDS = {"add": "+", "delete": "-", "update": "~"}
