"""How one EKS add-on behaves, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from rehearsal.stand_ins.values import ANY, Schema
from release.kubernetes_api import KubernetesObject

NAMESPACE = "kube-system"

Configuration: TypeAlias = Mapping[str, Any]
"""An add-on's `configurationValues`, parsed."""

BUDGET: Mapping[str, Schema] = {"enabled": bool, "maxUnavailable": ANY, "minAvailable": ANY}

ON_LINUX = {
    "nodeSelectorTerms": [
        {
            "matchExpressions": [
                {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]},
                {"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64", "arm64"]},
            ]
        }
    ]
}


@dataclass(frozen=True)
class AddonKind:
    """One add-on.

    Attributes:
        name: Its name in EKS.
        schema: What its configuration may hold: `aws eks describe-addon-configuration` of a version near ours.
        objects: Its objects in the cluster, from the configuration and the version's image tag.
    """

    name: str
    schema: Schema
    objects: Callable[[Configuration, str], list[KubernetesObject]]


def image(name: str, tag: str) -> str:
    """An image of EKS' own registry: it is never pulled.

    https://docs.aws.amazon.com/eks/latest/userguide/add-ons-images.html
    """
    return f"602401143452.dkr.ecr.us-west-2.amazonaws.com/{name}:{tag}"


def apart(key: str, value: str) -> dict[str, Any]:
    """Anti-affinity that prefers another node for each pod with this label."""
    term = {
        "labelSelector": {"matchExpressions": [{"key": key, "operator": "In", "values": [value]}]},
        "topologyKey": "kubernetes.io/hostname",
    }
    return {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": term}]}


def over_zones(labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """A spread over zones that gives way."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": dict(labels)},
        }
    ]
