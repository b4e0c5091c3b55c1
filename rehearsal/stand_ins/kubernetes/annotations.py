"""What the annotations of an object tell this provider.

https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/
"""

from __future__ import annotations

from typing import Any, cast

from release.kubernetes_api import KubernetesObject

DEFAULT_SECONDS = 600.0

_TRUE = "true"
_KINDS_WHOSE_DELETION_NEED_NOT_WAIT = frozenset(
    {
        ("v1", "Namespace"),
        ("v1", "Pod"),
        ("v1", "ReplicationController"),
        ("apps/v1", "DaemonSet"),
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("batch/v1", "Job"),
    }
)


def annotation(obj: KubernetesObject, name: str) -> str | None:
    """An annotation's value; None without, or while it is unknown."""
    metadata = obj.get("metadata")
    annotations: Any = cast("dict[str, Any]", metadata).get("annotations") if isinstance(metadata, dict) else None
    value: Any = cast("dict[str, Any]", annotations).get(name) if isinstance(annotations, dict) else None
    return value if isinstance(value, str) else None


def is_true(obj: KubernetesObject, name: str) -> bool:
    """Whether an annotation says `true`."""
    return annotation(obj, name) == _TRUE


def skips_await(inputs: KubernetesObject) -> bool:
    """`pulumi.com/skipAwait`: not to wait for readiness."""
    return is_true(inputs, "pulumi.com/skipAwait")


def skips_await_of_deletion(inputs: KubernetesObject) -> bool:
    """Whether `pulumi.com/skipAwait` holds for the deletion too: it does for workloads and Namespaces only."""
    kind = (str(inputs.get("apiVersion")), str(inputs.get("kind")))
    return skips_await(inputs) and kind in _KINDS_WHOSE_DELETION_NEED_NOT_WAIT


def wait_seconds(custom_timeout: float, inputs: KubernetesObject) -> float:
    """Longest wait: the resource option's, else `pulumi.com/timeoutSeconds`, else ten minutes."""
    if custom_timeout > 0:
        return custom_timeout
    try:
        return float(int(annotation(inputs, "pulumi.com/timeoutSeconds") or ""))
    except ValueError:
        return DEFAULT_SECONDS


def deletion_propagation(inputs: KubernetesObject) -> str:
    """`pulumi.com/deletionPropagationPolicy`: what happens to what the object owns; it goes first by default."""
    policy = (annotation(inputs, "pulumi.com/deletionPropagationPolicy") or "").capitalize()
    return policy if policy in ("Orphan", "Background") else "Foreground"
