"""Changes of a valid configuration, and the problems that they cause."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest

from config import PROJECT, SettingsError, load
from config.loading import TEXT_KEYS
from tests.unit.program import stack_config

GOOD = stack_config("dev")


def parsed(config: dict[str, str]) -> dict[str, Any]:
    """The values of a configuration by key, without the namespace."""
    named = {key.removeprefix(f"{PROJECT}:"): value for key, value in config.items()}
    return {key: value if key in TEXT_KEYS else json.loads(value) for key, value in named.items()}


def in_pulumis_form(values: dict[str, Any]) -> dict[str, str]:
    """A configuration in the form that Pulumi passes to the program; the inverse of `parsed`."""
    return {f"{PROJECT}:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def changed(changes: Mapping[str, Any]) -> dict[str, str]:
    """The dev stack's configuration with values set at dotted paths; None removes a key."""
    values = parsed(GOOD)
    for path, value in changes.items():
        *parents, last = path.split(".")
        parent: dict[str, Any] = values
        for part in parents:
            parent = parent.setdefault(part, {})
        if value is None:
            del parent[last]
        else:
            parent[last] = copy.deepcopy(value)
    return in_pulumis_form(values)


def problems(config: dict[str, str]) -> list[str]:
    """The problems of a configuration as text, each without its namespace."""
    with pytest.raises(SettingsError) as caught:
        load(config)
    lines = [str(problem) for problem in caught.value.problems]
    assert str(caught.value).splitlines()[1:] == [f"  - {line}" for line in lines]
    assert all(line.startswith(f"{PROJECT}:") for line in lines)
    return [line.removeprefix(f"{PROJECT}:") for line in lines]


def refusal(config: dict[str, str]) -> SettingsError | None:
    """The SettingsError of a configuration, or None; other exceptions are bugs and propagate."""
    try:
        load(config)
    except SettingsError as error:
        return error
    return None
