"""A configuration with an unknown key is refused with the key's path."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.emulators.aws.addons import Schema, problems

SCHEMA: Schema = {"replicas": "integer", "name": "string", "flags": "array", "nested": {"on": "boolean"}, "free": "any"}
UNKNOWN = "is not defined in the schema and the schema does not allow additional properties"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({}, []),
        ({"replicas": 2, "name": "x", "flags": [], "nested": {"on": True}, "free": {"any": ["thing"]}}, []),
        ({"replicas": None, "nested": None}, []),
        ({"replica": 2}, [f"$.replica: {UNKNOWN}"]),
        ({"nested": {"off": True}}, [f"$.nested.off: {UNKNOWN}"]),
        ({"nested": True}, ["$.nested: boolean found, object expected"]),
        (
            {"replicas": "2", "name": 2},
            ["$.replicas: string found, integer expected", "$.name: integer found, string expected"],
        ),
        ({"replicas": True}, ["$.replicas: boolean found, integer expected"]),
        ({"nested": {"on": 1}}, ["$.nested.on: integer found, boolean expected"]),
        ({"flags": {}}, ["$.flags: object found, array expected"]),
    ],
)
def test_what_does_not_belong_is_named_with_its_path(value: Any, found: list[str]) -> None:
    assert list(problems(SCHEMA, value)) == found
