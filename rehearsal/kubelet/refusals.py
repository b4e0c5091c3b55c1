"""The fields of a pod's `spec` that this kubelet supports. A pod with any other one is refused, and the field named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias, cast

Known: TypeAlias = "frozenset[object] | dict[str, Known] | None"
"""Supported values of a field: None for any, a set of values, or the keys of an object or of each object in a list."""

_KEYS: Known = {"name": None, "items": {"key": None, "path": None, "mode": None}, "optional": None}
_FILES: Known = {**_KEYS, "secretName": None, "defaultMode": None}
_FIELD: Known = {"apiVersion": None, "fieldPath": None}
_KEY: Known = {"name": None, "key": None, "optional": None}
_USER: dict[str, Known] = {"runAsUser": None, "runAsGroup": None, "runAsNonRoot": None, "seccompProfile": None}
_PROBE: Known = {
    "httpGet": {"path": None, "port": None, "scheme": None},
    **dict.fromkeys(("initialDelaySeconds", "periodSeconds", "timeoutSeconds", "successThreshold", "failureThreshold")),
}
_CONTAINER: Known = {
    **dict.fromkeys(("name", "image", "imagePullPolicy", "command", "args", "workingDir", "ports", "resources")),
    **dict.fromkeys(("terminationMessagePath", "terminationMessagePolicy")),
    "env": {
        "name": None,
        "value": None,
        "valueFrom": {"fieldRef": _FIELD, "configMapKeyRef": _KEY, "secretKeyRef": _KEY},
    },
    "volumeMounts": {"name": None, "mountPath": None, "readOnly": None},
    "livenessProbe": _PROBE,
    "readinessProbe": _PROBE,
    "securityContext": {
        **_USER,
        **dict.fromkeys(("allowPrivilegeEscalation", "readOnlyRootFilesystem", "capabilities")),
        "privileged": frozenset({False}),
    },
}
_POD: Known = {
    **dict.fromkeys(("affinity", "nodeName", "nodeSelector", "tolerations", "topologySpreadConstraints")),
    **dict.fromkeys(("preemptionPolicy", "priority", "priorityClassName", "schedulerName")),
    **dict.fromkeys(("automountServiceAccountToken", "serviceAccount", "serviceAccountName", "imagePullSecrets")),
    **dict.fromkeys(("restartPolicy", "terminationGracePeriodSeconds", "enableServiceLinks")),
    **dict.fromkeys(("hostname", "subdomain", "hostAliases")),
    "dnsPolicy": frozenset({"ClusterFirst", "Default"}),
    "hostNetwork": frozenset({False}),
    "securityContext": {**_USER, "fsGroup": None},
    "containers": _CONTAINER,
    "volumes": {
        "name": None,
        "emptyDir": None,
        "configMap": _FILES,
        "secret": _FILES,
        "projected": {
            "defaultMode": None,
            "sources": {
                "configMap": _KEYS,
                "secret": _KEYS,
                "serviceAccountToken": {"audience": None, "expirationSeconds": None, "path": None},
                "downwardAPI": {"items": {"path": None, "mode": None, "fieldRef": _FIELD}},
            },
        },
    },
}


def unknown(spec: Mapping[str, Any]) -> list[str]:
    """Paths of the fields and values in a pod's `spec` that this kubelet does not support."""
    return list(_unknown(_POD, spec, ""))


def _unknown(known: Known, value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for number, one in enumerate(cast("list[Any]", value)):
            yield from _unknown(known, one, f"{path}[{number}]")
    elif isinstance(known, frozenset):
        if value not in known:
            yield f"{path}: {value}"
    elif known is not None:
        for key, below in cast("dict[str, Any]", value or {}).items():
            at = f"{path}.{key}".lstrip(".")
            if key not in known:
                yield at
            else:
                yield from _unknown(known[key], below, at)
