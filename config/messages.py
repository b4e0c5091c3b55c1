"""Pydantic's errors as problems, in words that need no knowledge of pydantic."""

from __future__ import annotations

import difflib
import json
import re
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic.alias_generators import to_camel

from config.annotations import bare
from config.models.base import PROJECT, Model
from config.problems import Problem
from config.settings import Settings

WORDS = {
    "bool_type": "true or false, without quotes",
    "dict_type": "an object of keys and values",
    "model_type": "an object of keys and values",
    "float_type": "a number",
    "int_type": "a whole number, without quotes",
    "int_from_float": "a whole number",
    "list_type": "a list",
    "string_type": "a text; a number in quotes",
    "string_unicode": "a text",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
    "literal_error": "{expected}",
    "string_too_long": "at most {max_length} character(s)",
    "string_too_short": "at least {min_length} character(s)",
    "too_long": "at most {max_length} of them",
    "too_short": "at least {min_length} of them",
}
"""What is allowed, by pydantic's type of an error, with the error's context in braces.

Errors of the types in `config.values` have their own words.

https://docs.pydantic.dev/latest/errors/validation_errors/
"""

SECRET_PLACES = frozenset({"secrets", "variables"})
"""Keys below which no value is shown, since it is a secret or may be one by mistake."""

LONGEST_SHOWN = 80
"""Characters of a bad value in a message."""

DICT_KEY = "[key]"
"""The last part of pydantic's location of an error in a dict's key."""


def problem(detail: Mapping[str, Any]) -> Problem:
    """One of pydantic's errors as a problem."""
    location: list[str | int] = list(detail["loc"])
    kind: str = detail["type"]
    if kind == "extra_forbidden":
        return Problem(key(location), "", _unknown(location))
    if location[-1] == DICT_KEY:
        location.pop()
    if kind == "missing":
        return Problem(key(location), "", "is required")
    return Problem(key(location), _value(location, kind, detail), _allowed(kind, detail))


def key(location: Sequence[str | int]) -> str:
    """A location in the configuration, as `pulumi config set --path` takes it."""
    first, *rest = location
    return f"{PROJECT}:{first if str(first).isprintable() else json.dumps(first)}{''.join(map(_step, rest))}"


def _step(part: str | int) -> str:
    return f".{part}" if re.fullmatch(r"[A-Za-z_][\w-]*", str(part), re.ASCII) else f"[{json.dumps(part)}]"


def _value(location: Sequence[str | int], kind: str, detail: Mapping[str, Any]) -> str:
    """The value, unless it may be a secret or, in a wrong place, an object with secrets in it."""
    if SECRET_PLACES.intersection(map(str, location)):
        return ""
    if kind == "twice":
        return detail["ctx"]["twice"]
    if isinstance(detail["input"], dict | list):
        return ""
    shown = json.dumps(detail["input"], default=str)
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}…"


def _allowed(kind: str, detail: Mapping[str, Any]) -> str:
    return WORDS[kind].format_map(detail.get("ctx", {})) if kind in WORDS else detail["msg"]


def _unknown(location: Sequence[str | int]) -> str:
    names = _fields_at(location[:-1])
    near = difflib.get_close_matches(str(location[-1]), names, n=1)
    return f"unknown key; did you mean {near[0]}?" if near else f"unknown key; known are {', '.join(names)}"


def _fields_at(location: Sequence[str | int]) -> list[str]:
    """The keys of the model at a location in the configuration."""
    annotation: Any = Settings
    for part in location:
        if isinstance(annotation, type) and issubclass(annotation, Model):
            annotation = next(
                field.annotation for name, field in annotation.model_fields.items() if to_camel(name) == part
            )
        else:
            annotation = typing.get_args(annotation)[-1]
        annotation = bare(annotation)
    return [to_camel(name) for name in annotation.model_fields]
