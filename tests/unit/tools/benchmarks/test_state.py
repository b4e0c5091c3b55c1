"""The sizes of a state by type of resource."""

from __future__ import annotations

import json

from tools.benchmarks.state import by_type

LARGE = {"type": "large", "urn": "a", "inputs": {"key": "x" * 989}, "outputs": {"key": "ü" * 1000}}
SMALL = {"type": "small", "urn": "b"}


def test_each_type_has_its_bytes_and_the_largest_stands_first() -> None:
    sizes = [len(json.dumps(one, separators=(",", ":"), ensure_ascii=False).encode()) for one in (LARGE, SMALL)]
    rest = sizes[0] - 999 - 2010
    rows = by_type([SMALL, LARGE, SMALL])
    share = sizes[0] / (sizes[0] + 2 * sizes[1])
    assert rows == [
        ["large", "1", "1.0", "2.0", f"{rest / 1000:.1f}", f"{share:.1%}"],
        ["small", "2", "0.0", "0.0", f"{2 * sizes[1] / 1000:.1f}", f"{1 - share:.1%}"],
    ]


def test_a_state_without_resources_has_no_rows() -> None:
    assert by_type([]) == []
