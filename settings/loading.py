"""From Pulumi's own form to the models, or to everything that is wrong."""

from __future__ import annotations

import difflib
import json
import typing
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from pulumi.runtime.config import CONFIG, get_config_env
from pydantic import TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from settings.annotations import bare
from settings.checks import contradictions
from settings.model import PROJECT, Model, Settings
from settings.problems import Problem, SettingsError

TEXT_KEYS = frozenset(to_camel(name) for name, field in Settings.model_fields.items() if bare(field.annotation) is str)
"""The keys whose values are text as they stand; all others' are JSON."""


def pulumi_config() -> dict[str, str]:
    """The configuration that Pulumi hands to this program, secrets decrypted: every key with its namespace.

    `pulumi.Config` answers for keys one knows; a misspelt key is found only by looking at them all.
    """
    return {**get_config_env(), **CONFIG.get()}


def load(config: Mapping[str, str]) -> Settings:
    """Validates a stack's configuration.

    Args:
        config: Pulumi's own form, every key with its namespace and every value as text (objects as JSON). Keys of
            other namespaces are left alone.

    Raises:
        SettingsError: With every problem there is.
    """
    ours = {key.removeprefix(f"{PROJECT}:"): value for key, value in config.items() if key.startswith(f"{PROJECT}:")}
    values = _parsed(ours)
    try:
        settings = Settings.model_validate(values)
        problems = contradictions(settings, set(Settings.model_fields))
    except ValidationError as error:
        details = error.errors()
        sound = Settings.model_fields.keys() - {str(detail["loc"][0]) for detail in details}
        problems = [_problem(dict(detail)) for detail in details] + contradictions(_partial(values, sound), sound)
        raise SettingsError(problems) from None
    if problems:
        raise SettingsError(problems)
    return settings


def _parsed(ours: Mapping[str, str]) -> dict[str, Any]:
    """Text stays text where the model wants text; the rest is JSON."""
    values: dict[str, Any] = {}
    for key, text in ours.items():
        try:
            values[key] = text if key in TEXT_KEYS else json.loads(text)
        except (ValueError, RecursionError):
            values[key] = text
    return values


def _partial(values: Mapping[str, Any], sound: AbstractSet[str]) -> Settings:
    """Settings of the sound keys only; the others are not there."""
    return Settings.model_construct(
        **{
            name: TypeAdapter[Any](Settings.model_fields[name].rebuild_annotation()).validate_python(values[name])
            for name in sound & values.keys()
        }
    )


def _problem(detail: dict[str, Any]) -> Problem:
    """One of pydantic's errors in our words. https://docs.pydantic.dev/latest/errors/validation_errors/."""
    location = [str(part) for part in detail["loc"]]
    if location[-1] == "[key]" and detail["type"] != "extra_forbidden":  # pydantic's mark of a bad key of a dict
        location.pop()
    key = f"{PROJECT}:{'.'.join(location)}"
    # A secret may also stand where its name belongs, and anywhere inside an object that is in the wrong place.
    hidden = detail["type"] == "missing" or "secrets" in location or isinstance(detail["input"], dict | list)
    found = "" if hidden else json.dumps(detail["input"], default=str)
    if detail["type"] == "extra_forbidden":
        names = _fields_at(detail["loc"][:-1])
        near = difflib.get_close_matches(location[-1], names, n=1)
        return Problem(key, "", f"is no key; did you mean {near[0]}?" if near else f"is no key: {', '.join(names)} are")
    if detail["type"] == "missing":
        return Problem(key, "", "is required")
    return Problem(key, found, detail["msg"])


def _fields_at(location: tuple[int | str, ...]) -> list[str]:
    """The keys that the model at a place in the configuration has."""
    here: Any = Settings
    for part in location:
        if isinstance(here, type) and issubclass(here, Model):
            here = next(field.annotation for name, field in here.model_fields.items() if to_camel(name) == part)
        else:
            here = typing.get_args(here)[-1]
        here = bare(here)
    return [to_camel(name) for name in here.model_fields]
