"""A stack's configuration, read without the engine and without the key of its secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

import config
from rehearsal import workspace

PROJECT_FILE = Path(__file__).resolve().parents[2] / "Pulumi.yaml"


def read(file: Path) -> config.Settings:
    """The configuration of a `Pulumi.STACK.yaml`, with made-up values for its secrets, also for missing ones.

    Raises:
        FileNotFoundError: There is no such file.
        config.SettingsError: The configuration is invalid.
    """
    committed = yaml.safe_load(file.read_text(encoding="utf-8"))
    project: dict[str, Any] = yaml.safe_load(PROJECT_FILE.read_text(encoding="utf-8"))
    schema: dict[str, Any] = project["config"]
    values = {f"{config.PROJECT}:{key}": field["default"] for key, field in schema.items() if "default" in field}
    values |= workspace.merge_stack_file(committed, {})["config"]
    return config.load({key: one if isinstance(one, str) else json.dumps(one) for key, one in values.items()})
