"""A stack's configuration, read without the engine and without the key of its secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

import config
from config import stack_file
from rehearsal import workspace

PROJECT_FILE = Path(__file__).resolve().parents[2] / "Pulumi.yaml"


def read(file: Path) -> config.Settings:
    """The configuration of a `Pulumi.STACK.yaml`, with made-up values for its secrets, also for missing ones.

    Raises:
        FileNotFoundError: There is no such file.
        config.SettingsError: The file is not YAML, or the configuration is invalid.
    """
    try:
        committed = stack_file.parse(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise config.SettingsError([config.Problem(file.name, "", str(error))]) from None
    return config.load(program_config(workspace.merge_stack_file(committed, {})["config"]))


def program_config(settings: Mapping[str, Any]) -> dict[str, str]:
    """The configuration that Pulumi hands to the program: the `config` of a stack's file and the project's defaults."""
    schema: dict[str, Any] = yaml.safe_load(PROJECT_FILE.read_text(encoding="utf-8"))["config"]
    defaults = {f"{config.PROJECT}:{key}": field["default"] for key, field in schema.items() if "default" in field}
    values: dict[str, Any] = {**defaults, **settings}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
