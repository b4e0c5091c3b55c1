"""The kinds of `metrics.k8s.io` as custom resources: then an API server answers that has no metrics-server behind it.

https://github.com/kubernetes/metrics/blob/v0.34.4/pkg/apis/metrics/v1beta1/types.go
"""

from __future__ import annotations

from typing import Any

from release.kubernetes_api import KubernetesObject

GROUP = "metrics.k8s.io"
VERSION = "v1beta1"
POD_METRICS, NODE_METRICS = "PodMetrics", "NodeMetrics"

# Group names that end so are Kubernetes' own: the API server asks for a word on it.
# https://kubernetes.io/docs/reference/labels-annotations-taints/#api-approved-kubernetes-io
_APPROVAL = {"api-approved.kubernetes.io": "unapproved, stands in for the API of metrics-server"}

_USAGE = {"type": "object", "additionalProperties": {"x-kubernetes-int-or-string": True}}
_TAKEN = {"timestamp": {"type": "string", "format": "date-time"}, "window": {"type": "string"}}
_CONTAINER = {"type": "object", "properties": {"name": {"type": "string"}, "usage": _USAGE}}


def definitions() -> list[KubernetesObject]:
    """The CustomResourceDefinitions of `PodMetrics` and `NodeMetrics`."""
    return [
        _definition(POD_METRICS, "pods", "Namespaced", {"containers": {"type": "array", "items": _CONTAINER}}),
        _definition(NODE_METRICS, "nodes", "Cluster", {"usage": _USAGE}),
    ]


def _definition(kind: str, plural: str, scope: str, properties: dict[str, Any]) -> KubernetesObject:
    schema = {"type": "object", "properties": {**_TAKEN, **properties}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}", "annotations": _APPROVAL},
        "spec": {
            "group": GROUP,
            "scope": scope,
            "names": {"kind": kind, "plural": plural},
            "versions": [{"name": VERSION, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }
