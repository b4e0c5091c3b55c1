"""The engine's events, as far as a comment tells of them.

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
"""What each step does, in a word. Parts of a replacement, and what changes nothing, are left out."""

_COLOURS = re.compile(r"<\{%[^%]*%\}>|\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Change:
    """What would be done to a resource.

    Attributes:
        verb: `created`, `changed`, `replaced` or `deleted`.
        type: Pulumi type.
        name: The resource's name in the program.
        differences: Each property that differs, with how, and its value before and after.
    """

    verb: str
    type: str
    name: str
    differences: tuple[str, ...]

    @property
    def loses_data(self) -> bool:
        """Whether what it holds would be gone."""
        return self.verb in ("replaced", "deleted") and self.type in HOLDS_DATA


@dataclass(frozen=True)
class Preview:
    """All of a preview.

    Attributes:
        changes: In the engine's order.
        errors: What went wrong; a preview with one says nothing of what `up` would do.
        finished: Whether the engine came to its end.
    """

    changes: tuple[Change, ...]
    errors: tuple[str, ...]
    finished: bool

    @property
    def failed(self) -> bool:
        """Whether it is no preview."""
        return bool(self.errors) or not self.finished


def read(lines: Iterable[str]) -> Preview:
    """Reads an event a line, as `PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true pulumi preview --json` prints them.

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
        if diagnostic.get("severity") == "error" and (told := _COLOURS.sub("", diagnostic["message"]).strip()):
            about = str(diagnostic.get("urn", "")).rpartition("::")[2]
            errors.append(f"{about}: {told}" if about else told)
        if "summaryEvent" in event:
            finished = event["summaryEvent"].get("result", "succeeded") == "succeeded"
    return Preview(tuple(changes), tuple(errors), finished)


def _change(metadata: dict[str, Any]) -> Change:
    differences: dict[str, dict[str, str]] = metadata.get("detailedDiff") or {}
    told = [
        f"{_KINDS[one['diffKind'].removesuffix('-replace')]} {path}{values.change(metadata, path)}"
        for path, one in sorted(differences.items())
    ]
    return Change(VERBS[metadata["op"]], metadata["type"], metadata["urn"].rpartition("::")[2], tuple(told))


_KINDS = {"add": "+", "delete": "-", "update": "~"}
