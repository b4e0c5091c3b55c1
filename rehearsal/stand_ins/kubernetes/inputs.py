"""A program's inputs in the form in which the API server will give them back, so that equal means equal."""

from __future__ import annotations

import base64
import binascii
from typing import Any, cast

from rehearsal.stand_ins.kubernetes.properties import UNKNOWN, has_unknown
from rehearsal.stand_ins.kubernetes.quantities import canonical
from release.kubernetes_api import KubernetesObject

_READ_ONLY_METADATA = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
)
_BUILT_IN_GROUPS = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    }
)
_QUANTITY_MAPS = frozenset(
    {"requests", "limits", "hard", "capacity", "podFixed", "default", "defaultRequest", "max", "min"}
)
_QUANTITIES = frozenset({"sizeLimit", "divisor", "averageValue"})
_TEXT_MAPS = frozenset({"labels", "annotations", "matchLabels", "nodeSelector", "data", "binaryData", "stringData"})
_HPA_TARGET = "target"


def is_built_in(api_version: str) -> bool:
    """Whether the API group is Kubernetes' own, so that its server drops what a kind's schema does not have."""
    group, slash, _ = api_version.partition("/")
    return (group if slash else "") in _BUILT_IN_GROUPS


def normalized(inputs: KubernetesObject) -> KubernetesObject:
    """A copy with quantities in canonical form, `stringData` encoded into `data`, and no read-only metadata.

    Inputs with unknown values, and those of custom resources, lose their read-only metadata only.
    """
    result = dict(inputs)
    metadata = result.get("metadata")
    if isinstance(metadata, dict):
        fields = cast("dict[str, Any]", metadata)
        result["metadata"] = {key: value for key, value in fields.items() if key not in _READ_ONLY_METADATA}
    if has_unknown(result) or not is_built_in(str(result.get("apiVersion", ""))):
        return result
    match result.get("kind"):
        case "Secret":
            return _with_encoded_strings(result)
        case "ConfigMap":
            return result
        case "CustomResourceDefinition":
            result.pop("status", None)
            return result
        case _:
            return cast("KubernetesObject", _with_canonical_quantities(result, under=""))


def _with_encoded_strings(secret: KubernetesObject) -> KubernetesObject:
    encoded: dict[str, Any] = secret.get("data") or {}
    plain: dict[str, Any] = secret.pop("stringData", None) or {}
    data = {key: _recoded(value) for key, value in encoded.items()}
    for key, text in plain.items():
        data[key] = base64.b64encode(str(text).encode()).decode()
    if data:
        secret["data"] = data
    return secret


def _recoded(text: Any) -> Any:
    """The API server decodes and encodes: white space in a value does not come back."""
    try:
        return base64.b64encode(base64.b64decode("".join(str(text).split()), validate=True)).decode()
    except binascii.Error:
        return text


def _with_canonical_quantities(value: Any, *, under: str) -> Any:
    match value:
        case list():
            return [_with_canonical_quantities(item, under=under) for item in cast("list[Any]", value)]
        case dict():
            fields = cast("dict[str, Any]", value)
            if under in _TEXT_MAPS:
                return fields
            if under in _QUANTITY_MAPS and not any(isinstance(item, dict | list) for item in fields.values()):
                return {key: _canonical(item) for key, item in fields.items()}
            return {
                key: _canonical(item)
                if key in _QUANTITIES or (under == _HPA_TARGET and key == "value")
                else _with_canonical_quantities(item, under=key)
                for key, item in fields.items()
            }
        case _:
            return value


def _canonical(value: Any) -> Any:
    return canonical(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else value


def pruned(live: KubernetesObject, inputs: KubernetesObject) -> KubernetesObject:
    """The part of a live object that the inputs speak about: what they do not name is the cluster's own."""
    return cast("KubernetesObject", _pruned(live, inputs))


def _pruned(live: Any, like: Any) -> Any:
    if isinstance(live, dict) and isinstance(like, dict):
        shape = cast("dict[str, Any]", like)
        return {key: _pruned(value, shape[key]) for key, value in cast("dict[str, Any]", live).items() if key in shape}
    if isinstance(live, list) and isinstance(like, list):
        # As many as the inputs have: what a controller appended is its own.
        return [
            _pruned(value, item) for value, item in zip(cast("list[Any]", live), cast("list[Any]", like), strict=False)
        ]
    return cast("Any", live)


def with_what_the_server_drops(
    live: KubernetesObject, inputs: KubernetesObject, before: KubernetesObject
) -> KubernetesObject:
    """A pruned live object, and what its inputs have that the API server never kept.

    Built-in kinds lose zero values and unknown fields on the way through the API server's types; what was given and
    never kept is no change.

    Args:
        live: The object as it is, pruned to its inputs.
        inputs: The inputs it was made of.
        before: The whole object as it was right after that: a field that it had and that is gone was taken away.
    """
    if not is_built_in(str(inputs.get("apiVersion", live.get("apiVersion", "")))):
        return live
    return cast("KubernetesObject", _completed(live, inputs, before))


def _completed(live: Any, inputs: Any, before: Any) -> Any:
    if isinstance(live, dict) and isinstance(inputs, dict):
        known, given = cast("dict[str, Any]", live), cast("dict[str, Any]", inputs)
        had = cast("dict[str, Any]", before) if isinstance(before, dict) else {}
        kept = {key: _completed(value, given.get(key), had.get(key)) for key, value in known.items()}
        dropped = {key: value for key, value in given.items() if key not in known and key not in had}
        return kept | {key: value for key, value in dropped.items() if value is not UNKNOWN}
    if isinstance(live, list) and isinstance(inputs, list):
        had_items = cast("list[Any]", before) if isinstance(before, list) else []
        given_items = cast("list[Any]", inputs)
        return [
            _completed(value, _at(given_items, index), _at(had_items, index))
            for index, value in enumerate(cast("list[Any]", live))
        ]
    return cast("Any", live)


def _at(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else None
