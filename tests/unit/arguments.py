"""Pulumi's argument objects as plain values, as in a manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pydantic.alias_generators import to_camel


def manifest(value: Any) -> Any:
    """An argument object of pulumi-kubernetes, and everything in it, under the names that Kubernetes knows."""
    if isinstance(value, Mapping):
        return {key: manifest(item) for key, item in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list):
        return [manifest(item) for item in cast("list[Any]", value)]
    if type(value).__module__.startswith("pulumi_kubernetes."):
        members = cast("dict[str, Any]", vars(value))
        return {to_camel(name.rstrip("_")): manifest(item) for name, item in members.items()}
    return value
