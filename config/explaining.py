"""pydantic's errors as problems, in words for a person who has never heard of it."""

from __future__ import annotations

import difflib
import json
import re
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic.alias_generators import to_camel

from config.annotations import bare
from config.model import PROJECT, Model, Settings
from config.problems import Problem

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
"""By pydantic's type of an error; in braces what it tells of it. Our own types bring their words with them.

https://docs.pydantic.dev/latest/errors/validation_errors/
"""

SECRET_PLACES = frozenset({"secrets", "variables"})
"""Keys below which no value is shown: a secret stands there, or may by mistake."""

LONGEST_SHOWN = 80
"""Characters of a bad value in a message."""

MARK_OF_A_BAD_KEY = "[key]"
"""pydantic's last part of the location of an error in a key of a dict."""


def problem(detail: Mapping[str, Any]) -> Problem:
    """One of pydantic's errors in our words."""
    location: list[str | int] = list(detail["loc"])
    kind: str = detail["type"]
    if kind == "extra_forbidden":
        return Problem(key(location), "", _unknown(location))
    if location[-1] == MARK_OF_A_BAD_KEY:
        location.pop()
    if kind == "missing":
        return Problem(key(location), "", "is required")
    return Problem(key(location), _found(location, kind, detail), _allowed(kind, detail))


def key(location: Sequence[str | int]) -> str:
    """A place in the configuration, as `pulumi config set --path` takes it."""
    first, *rest = location
    return f"{PROJECT}:{first if str(first).isprintable() else json.dumps(first)}{''.join(map(_step, rest))}"


def _step(part: str | int) -> str:
    return f".{part}" if re.fullmatch(r"[A-Za-z_][\w-]*", str(part), re.ASCII) else f"[{json.dumps(part)}]"


def _found(location: Sequence[str | int], kind: str, detail: Mapping[str, Any]) -> str:
    """What stands there, unless it may be a secret: one may also stand inside an object that is in a wrong place."""
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
    return f"is no key; did you mean {near[0]}?" if near else f"is no key: {', '.join(names)} are"


def _fields_at(location: Sequence[str | int]) -> list[str]:
    """The keys that the model at a place in the configuration has."""
    here: Any = Settings
    for part in location:
        if isinstance(here, type) and issubclass(here, Model):
            here = next(field.annotation for name, field in here.model_fields.items() if to_camel(name) == part)
        else:
            here = typing.get_args(here)[-1]
        here = bare(here)
    return [to_camel(name) for name in here.model_fields]
