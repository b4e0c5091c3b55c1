"""Configurations that are a little different from a good one, and what is said of them."""

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
    """Every value of a configuration, by its key without the namespace."""
    named = {key.removeprefix(f"{PROJECT}:"): value for key, value in config.items()}
    return {key: value if key in TEXT_KEYS else json.loads(value) for key, value in named.items()}


def in_pulumis_form(values: dict[str, Any]) -> dict[str, str]:
    """A configuration as Pulumi hands it to the program: `parsed`, backwards."""
    return {f"{PROJECT}:{key}": one if isinstance(one, str) else json.dumps(one) for key, one in values.items()}


def changed(changes: Mapping[str, Any]) -> dict[str, str]:
    """The dev stack's configuration with values set at dotted paths; None takes a key away."""
    values = parsed(GOOD)
    for path, value in changes.items():
        *parents, last = path.split(".")
        here: dict[str, Any] = values
        for part in parents:
            here = here.setdefault(part, {})
        if value is None:
            del here[last]
        else:
            here[last] = copy.deepcopy(value)
    return in_pulumis_form(values)


def problems(config: dict[str, str]) -> list[str]:
    """Every problem of a configuration, as a person reads it, without the namespace that each begins with."""
    with pytest.raises(SettingsError) as caught:
        load(config)
    lines = [str(problem) for problem in caught.value.problems]
    assert str(caught.value).splitlines()[1:] == [f"  - {line}" for line in lines]
    assert all(line.startswith(f"{PROJECT}:") for line in lines)
    return [line.removeprefix(f"{PROJECT}:") for line in lines]


def refusal(config: dict[str, str]) -> SettingsError | None:
    """The error of a configuration, if it has one; anything else that is raised is a bug."""
    try:
        load(config)
    except SettingsError as error:
        return error
    return None
