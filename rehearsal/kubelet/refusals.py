"""The refusal of pods with a field in `spec` that this kubelet does not support (`supported.yaml`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import yaml

_SUPPORTED: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("supported.yaml").read_text())


def unknown(spec: Mapping[str, Any]) -> list[str]:
    """Paths of the fields and values in a pod's `spec` that this kubelet does not support."""
    return list(_unknown(_SUPPORTED, spec, ""))


def _unknown(supported: Any, value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            yield from _unknown(supported, item, f"{path}[{index}]")
    elif isinstance(supported, list):
        if value not in supported:
            yield f"{path}: {value}"
    elif supported is not None:
        for key, field in cast("dict[str, Any]", value or {}).items():
            field_path = f"{path}.{key}".lstrip(".")
            if key not in supported:
                yield field_path
            else:
                yield from _unknown(supported[key], field, field_path)
