"""What the engine keeps of an object: the object as it is live, and beside it what this provider has to remember."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from rehearsal.stand_ins.kubernetes.properties import PropertyBag, Secret, revealed, with_secrets_of
from release.kubernetes_api import KubernetesObject

_INPUTS = "__inputs"
_API_VERSION = "__initialApiVersion"
_MANAGER = "__fieldManager"
_DASHED = (
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
)
_TO_PULUMI = {name: name.replace("-", "_") for name in _DASHED}
_TO_KUBERNETES = {pulumi: name for name, pulumi in _TO_PULUMI.items()}


@dataclass(frozen=True)
class Checkpoint:
    """An object in the state.

    Attributes:
        inputs: What was asked for at last.
        live: The object as it was then.
        api_version: The API version it was made with.
        manager: Its field manager.
    """

    inputs: KubernetesObject
    live: KubernetesObject
    api_version: str
    manager: str

    @classmethod
    def of_state(cls, state: PropertyBag) -> Checkpoint:
        """Reads the state. Of one that this provider did not write, inputs and manager are empty."""
        live = as_object(state)
        inputs = live.pop(_INPUTS, {})
        api_version = live.pop(_API_VERSION, inputs.get("apiVersion", ""))
        return cls(inputs, live, api_version, live.pop(_MANAGER, ""))

    def state(self, origin: PropertyBag) -> PropertyBag:
        """The state to keep, secret where the program's inputs are."""
        live = with_secrets_of(as_bag(self.live), origin)
        inputs = with_secrets_of(as_bag(self.inputs), origin)
        return {**live, _INPUTS: inputs, _API_VERSION: self.api_version, _MANAGER: self.manager}


def as_object(bag: PropertyBag) -> KubernetesObject:
    """A property bag as Kubernetes has it: nothing secret, `x-kubernetes-…` with dashes."""
    return cast("KubernetesObject", _renamed(revealed(bag), _TO_KUBERNETES))


def as_bag(obj: KubernetesObject) -> PropertyBag:
    """A Kubernetes object as Pulumi's SDKs have it: `x_kubernetes_…` with underscores."""
    return cast("PropertyBag", _renamed(obj, _TO_PULUMI))


def _renamed(value: Any, names: dict[str, str]) -> Any:
    match value:
        case dict():
            fields = cast("dict[str, Any]", value)
            return {names.get(key, key): _renamed(item, names) for key, item in fields.items()}
        case list():
            return [_renamed(item, names) for item in cast("list[Any]", value)]
        case Secret():
            return Secret(_renamed(value.value, names))
        case _:
            return value
