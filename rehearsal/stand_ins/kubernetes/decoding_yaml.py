"""The function `kubernetes:yaml:decode`, by which the SDK's `yaml.ConfigFile` and `ConfigGroup` read manifests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import yaml

from rehearsal.errors import RehearsalError
from release.kubernetes_api import KubernetesObject


def decoded(text: str, default_namespace: str, is_namespaced: Callable[[str, str], bool]) -> list[KubernetesObject]:
    """The objects of a YAML text, lists taken apart, each namespaced one in a namespace.

    Raises:
        RehearsalError: The text is no YAML of Kubernetes objects.
    """
    try:
        documents = [document for document in yaml.safe_load_all(text) if document]
    except yaml.YAMLError as error:
        raise RehearsalError(f"the manifest is no YAML: {error}", remedy="Correct the manifest.") from None
    return [_placed(item, default_namespace, is_namespaced) for document in documents for item in _items(document)]


def _items(document: Any) -> Iterator[KubernetesObject]:
    fields = cast("dict[str, Any]", document) if isinstance(document, dict) else {}
    if not fields.get("apiVersion") or not fields.get("kind"):
        raise RehearsalError(
            "a document of the manifest has no apiVersion and kind", remedy="Give it both, or leave it out."
        )
    if str(fields["kind"]).endswith("List") and isinstance(fields.get("items"), list):
        for item in fields["items"]:
            yield from _items(item)
    else:
        yield fields


def _placed(item: KubernetesObject, namespace: str, is_namespaced: Callable[[str, str], bool]) -> KubernetesObject:
    metadata: dict[str, Any] = item.get("metadata") or {}
    if not namespace or metadata.get("namespace") or not is_namespaced(item["apiVersion"], item["kind"]):
        return item
    return {**item, "metadata": {**metadata, "namespace": namespace}}
