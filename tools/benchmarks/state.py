"""`pulumi stack export | python -m tools.benchmarks.state`: what a stack's state consists of, by type of resource."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from tools.benchmarks.tables import table

HEAD = ("type", "number", "inputs, kB", "outputs, kB", "the rest, kB", "share")


def by_type(resources: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    """A row for each type of resource, the largest first: number, kB of inputs, of outputs and of the rest, share."""
    sizes: dict[str, list[int]] = {}
    for resource in resources:
        inputs, outputs = (_size(resource[part]) if part in resource else 0 for part in ("inputs", "outputs"))
        added = (1, inputs, outputs, _size(resource) - inputs - outputs)
        before = sizes.get(str(resource["type"]), [0] * len(added))
        sizes[str(resource["type"])] = [old + new for old, new in zip(before, added, strict=True)]
    whole = sum(sum(parts) for _, *parts in sizes.values())
    largest_first = sorted(sizes.items(), key=lambda item: (-sum(item[1][1:]), item[0]))
    return [
        [name, str(number), *(f"{part / 1000:.1f}" for part in parts), f"{sum(parts) / whole:.1%}"]
        for name, (number, *parts) in largest_first
    ]


def _size(value: Any) -> int:
    """Bytes of a value in a state, which is JSON without white space."""
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


if __name__ == "__main__":
    print(table(HEAD, by_type(json.load(sys.stdin)["deployment"]["resources"])))  # noqa: T201 - the result
