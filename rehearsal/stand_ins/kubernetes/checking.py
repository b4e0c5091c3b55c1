"""The inputs that the engine is to work with: kind, name and namespace filled in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from rehearsal.errors import RehearsalError
from rehearsal.stand_ins.kubernetes.annotations import is_true
from rehearsal.stand_ins.kubernetes.identity import AUTONAMED, TypeToken, generated_name, name_of_urn
from rehearsal.stand_ins.kubernetes.inputs import normalized
from rehearsal.stand_ins.kubernetes.properties import UNKNOWN
from release.kubernetes_api import KubernetesObject


@dataclass(frozen=True)
class NamePolicy:
    """How an object without a name gets one.

    Attributes:
        seed: Decides the generated part; empty for chance.
        proposed: The name that the engine's own autonaming gives; None where it has no say.
        disabled: Whether a name has to be given.
    """

    seed: bytes = b""
    proposed: str | None = None
    disabled: bool = False


def checked(
    urn: str,
    new: KubernetesObject,
    old: KubernetesObject,
    *,
    names: NamePolicy,
    default_namespace: str | None,
    is_namespaced: Callable[[str, str], bool],
) -> KubernetesObject:
    """New inputs, completed.

    Args:
        urn: The resource.
        new: What the program gives; unknown values may be anywhere.
        old: The checked inputs of the last time; empty for a new object.
        names: How an object without a name gets one.
        default_namespace: Namespace for objects that name none; None to leave them without.
        is_namespaced: Whether objects of an API version and kind live in namespaces.

    Raises:
        RehearsalError: Inputs that no object can have here.
        ValueError: The URN's type is none of this provider's.
    """
    token = TypeToken.of_urn(urn)
    if token.kind.endswith("List"):
        raise RehearsalError(
            "list resources exist for compatibility with manifests and Helm charts, and cannot be created directly",
            remedy="Use the underlying resource type instead.",
        )
    if token.kind.endswith("Patch") and new.get("kind") != token.kind:
        raise RehearsalError(
            f"the stand-in for the kubernetes provider does not do patch resources ({token.kind})",
            remedy="Declare the object itself, or install the real plugin: pulumi plugin install resource kubernetes",
        )
    result = normalized({"apiVersion": token.api_version, "kind": token.kind, **new})
    if result.get("metadata") is UNKNOWN:
        return result
    metadata: dict[str, Any] = dict(result.get("metadata") or {})
    if not metadata.get("name"):
        if metadata.get("generateName"):
            raise RehearsalError(
                "the `.metadata.generateName` field is not supported in Server-Side Apply mode",
                remedy="Give a name, or leave it out: a name is generated then.",
            )
        if is_true(old, AUTONAMED):
            metadata["name"] = old["metadata"]["name"]
        elif not old:
            metadata["name"] = _new_name(urn, names)
        if metadata.get("name"):
            _mark_autonamed(metadata)
    if default_namespace and not metadata.get("namespace") and is_namespaced(result["apiVersion"], result["kind"]):
        metadata["namespace"] = default_namespace
    return {**result, "metadata": metadata}


def _new_name(urn: str, names: NamePolicy) -> str:
    if names.disabled:
        raise RehearsalError(
            "autonaming is disabled, resource requires the .metadata.name field to be set",
            remedy="Set `metadata.name`, or change `pulumi:autonaming` in the stack's configuration.",
        )
    return names.proposed or generated_name(f"{name_of_urn(urn)}-", names.seed)


def _mark_autonamed(metadata: dict[str, Any]) -> None:
    annotations = metadata.get("annotations")
    if annotations is not UNKNOWN:
        metadata["annotations"] = {**cast("dict[str, Any]", annotations or {}), AUTONAMED: "true"}
