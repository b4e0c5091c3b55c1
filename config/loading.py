"""Loads a stack's configuration from Pulumi into the models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from pulumi.runtime.config import CONFIG, get_config_env
from pydantic import TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from config.annotations import bare
from config.checks import cross_field_errors
from config.messages import problem
from config.models.base import PROJECT
from config.problems import SettingsError
from config.settings import Settings

FIELDS = {to_camel(name): name for name in Settings.model_fields}
"""The name of the field by top-level key."""

TEXT_KEYS = frozenset(key for key, name in FIELDS.items() if bare(Settings.model_fields[name].annotation) is str)
"""The top-level keys with plain text values; all other values are JSON."""


def pulumi_config() -> dict[str, str]:
    """The configuration that Pulumi passes to this program, secrets decrypted: every key with its namespace.

    `pulumi.Config` only returns the values of known keys; to find a misspelt key, all of them are needed.
    """
    return {**get_config_env(), **CONFIG.get()}


def load(config: Mapping[str, str]) -> Settings:
    """Validates a stack's configuration.

    Args:
        config: Pulumi's form: every key with its namespace, every value as text (objects as JSON). Keys of other
            namespaces are ignored.

    Raises:
        SettingsError: The configuration is invalid; the error has all its problems.
    """
    ours = {key.removeprefix(f"{PROJECT}:"): value for key, value in config.items() if key.startswith(f"{PROJECT}:")}
    values = {key: _parsed(key, text) for key, text in ours.items()}
    try:
        settings = Settings.model_validate(values)
        problems = cross_field_errors(settings, set(FIELDS.values()))
    except ValidationError as error:
        details = error.errors()
        sound = FIELDS.keys() - {str(detail["loc"][0]) for detail in details}
        problems = [problem(detail) for detail in details]
        problems += cross_field_errors(_partial(values, sound), {FIELDS[key] for key in sound})
        raise SettingsError(problems) from None
    if problems:
        raise SettingsError(problems)
    return settings


def _parsed(key: str, text: str) -> Any:
    """A value: text for a key in `TEXT_KEYS`, else parsed from JSON."""
    if key in TEXT_KEYS:
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    # The engine hands on Pulumi.yaml's `default: {}` as the text of an object in the text of a string.
    return {} if value == "{}" else value


def _partial(values: Mapping[str, Any], sound: AbstractSet[str]) -> Settings:
    """Settings with the valid keys only; the other fields are missing or have their defaults, and must not be read."""
    return Settings.model_construct(
        **{
            FIELDS[key]: TypeAdapter[Any](Settings.model_fields[FIELDS[key]].rebuild_annotation()).validate_python(
                values[key]
            )
            for key in sound & values.keys()
        }
    )
