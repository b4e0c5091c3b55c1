"""From Pulumi's own form to the models, or to everything that is wrong."""

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
from config.explaining import problem
from config.model import PROJECT, Settings
from config.problems import SettingsError

FIELDS = {to_camel(name): name for name in Settings.model_fields}
"""Each key with the name of its field."""

TEXT_KEYS = frozenset(key for key, name in FIELDS.items() if bare(Settings.model_fields[name].annotation) is str)
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
    """Text stays text where the model wants text; the rest is JSON."""
    if key in TEXT_KEYS:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _partial(values: Mapping[str, Any], sound: AbstractSet[str]) -> Settings:
    """Settings of the sound keys; what is not sound is not there, or has its default: nobody may look."""
    return Settings.model_construct(
        **{
            FIELDS[key]: TypeAdapter[Any](Settings.model_fields[FIELDS[key]].rebuild_annotation()).validate_python(
                values[key]
            )
            for key in sound & values.keys()
        }
    )
