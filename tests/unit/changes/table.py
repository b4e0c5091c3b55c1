"""docs/changes.md, generated from changes.yaml: `.venv/bin/python -m tests.unit.changes.table > docs/changes.md`."""

from __future__ import annotations

import sys
from dataclasses import field
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass

from tests.unit.program import CHECKOUT

FILE = CHECKOUT / "docs" / "changes.md"
COMMAND = f".venv/bin/python -m tests.unit.changes.table > {FILE.relative_to(CHECKOUT)}"

INTRODUCTION = f"""# What a change does

What `pulumi up` does on AWS when a setting of a live stack changes. Generated from
`tests/unit/changes/changes.yaml`, each row of which is tried against the program:

```
{COMMAND}
```

| effect | meaning |
|---|---|
| none | nothing changes |
| in place | resources are changed; no pod, node or connection ends |
| next release | live pods keep what they were released with; the next `release deploy` brings it to users |
| rolls nodes | EKS replaces the nodes one by one, within the disruption budgets, by nodes of the newest image |
| new beside old | a new resource serves before the old one goes |
| removed | resources are deleted |
| replaced | resources are deleted and made anew: data or service is lost |
| refused | by the settings' checks, or by AWS; nothing is changed, and the old value works again |

"""


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Row:
    """A change.

    Attributes:
        change: The settings, as the docs name them.
        set: New values by dotted path, of the tests' stack dev; None removes a key.
        effect: One of the effects that the docs define.
        note: What else to know.
        touches: Resources by operation, `TYPE::NAME` with wildcards; all of them, each matching at least one.
        refused: Part of the message of the settings' checks.
        alone: Whether it changes too much to be tried together with others.
    """

    change: str
    set: dict[str, Any]
    effect: Literal[
        "none", "in place", "next release", "rolls nodes", "new beside old", "removed", "replaced", "refused"
    ]
    note: str = ""
    touches: dict[Literal["create", "update", "replace", "delete"], list[str]] = field(default_factory=dict)
    refused: str = ""
    alone: bool = False

    @property
    def resources(self) -> list[str]:
        """All patterns of resources."""
        return [pattern for patterns in self.touches.values() for pattern in patterns]


ROWS: list[Row] = TypeAdapter(list[Row]).validate_python(
    yaml.safe_load(Path(__file__).with_name("changes.yaml").read_text(encoding="utf-8"))
)


def render() -> str:
    """The whole file."""
    rows = [f"| {row.change} | {row.effect} | {row.note} |" for row in ROWS]
    return INTRODUCTION + "\n".join(["| change | effect | |", "|---|---|---|", *rows, ""])


if __name__ == "__main__":
    sys.stdout.write(render())
