"""The inputs of each resource type: the values that AWS accepts, and the changes that force a replacement.

The table is `inputs.yaml`; its head says how to add a type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml

from rehearsal.emulators.aws import rules
from rehearsal.emulators.aws.rules import Rule


@dataclass(frozen=True)
class Inputs:
    """The inputs of one type.

    Attributes:
        rules: Validation of single inputs, by dotted path.
        replaces: Paths of inputs whose change forces a replacement.
    """

    rules: Mapping[str, Rule]
    replaces: frozenset[str]


@cache
def table() -> dict[str, Inputs]:
    """The inputs of all types, by Pulumi's type token."""
    types: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())
    return {
        type_token: Inputs(
            rules={path: _rule(entry) for path, entry in entries.get("rules", {}).items()},
            replaces=frozenset(entries.get("replaces", ())),
        )
        for type_token, entries in types.items()
    }


def _rule(entry: Any) -> Rule:
    if isinstance(entry, str):
        return getattr(rules, entry)
    ((name, arguments),) = cast("dict[str, Any]", entry).items()
    function = getattr(rules, name)
    return function(**arguments) if isinstance(arguments, dict) else function(*arguments)
