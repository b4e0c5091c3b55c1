"""The load balancer's forward action of a service with a canary, as the annotation of its Ingress has it.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/v3.3/guide/ingress/annotations/#actions
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from contract.blue_green import FORWARD_ACTION, SLOTS, slot_name
from kube.client import KubernetesObject
from release.state import ForwardAction


def find(ingresses: Iterable[KubernetesObject], service: str) -> ForwardAction | None:
    """The action of a service, in the Ingress that has one; None without any."""
    key = f"{FORWARD_ACTION}{service}"
    for ingress in ingresses:
        annotations: Mapping[str, str] = ingress["metadata"].get("annotations") or {}
        if key in annotations:
            return ForwardAction(str(ingress["metadata"]["name"]), key, annotations[key])
    return None


def weights(action: ForwardAction, service: str) -> dict[str, int]:
    """The weight of each slot in an action, in percent.

    Raises:
        ValueError: The annotation is no such action.
    """
    return {slot: int(_group(json.loads(action.text), service, slot)["weight"]) for slot in SLOTS}


def with_weights(text: str, service: str, shares: Mapping[str, int]) -> str:
    """An action with other weights of the slots, and none of the active Service."""
    action = json.loads(text)
    for group in action["forwardConfig"]["targetGroups"]:
        group["weight"] = 0
    for slot, share in shares.items():
        _group(action, service, slot)["weight"] = share
    return json.dumps(action)


def _group(action: Any, service: str, slot: str) -> dict[str, Any]:
    name = slot_name(service, slot)
    try:
        groups: list[dict[str, Any]] = action["forwardConfig"]["targetGroups"]
        return next(group for group in groups if group["serviceName"] == name and "weight" in group)
    except (KeyError, TypeError, StopIteration):
        raise ValueError(f"the action forwards to no Service {name} by weight") from None
