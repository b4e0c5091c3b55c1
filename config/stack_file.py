"""Reads a stack's file, `Pulumi.STACK.yaml`, where the engine does not: in a rehearsal and in the preflight check."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml
from yaml.constructor import ConstructorError


class _Loader(yaml.SafeLoader):
    """YAML's safe types. A key that a mapping has twice is refused, as Pulumi's own reader refuses it.

    YAML 1.2 demands it, PyYAML takes the last one: https://github.com/yaml/pyyaml/issues/165.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in lines:
                places = f"in line {lines[name]} and in line {line}"
                raise ConstructorError(problem=f"{name} is there twice, {places}: put both under one key")
            lines[name] = line
        return super().construct_mapping(node, deep)


def parse(text: str) -> Any:
    """The content of a YAML document.

    Raises:
        yaml.YAMLError: It is not YAML, or has a key twice in one mapping; the message names the lines.
    """
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
