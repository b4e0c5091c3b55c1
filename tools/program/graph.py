"""The resources that a program registered with the engine, and queries on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pulumi.runtime import rpc

T = TypeVar("T")

UNKNOWN = rpc.UNKNOWN
"""Stands where a value is known only once something is created."""


@dataclass(frozen=True)
class Secret:
    """A value that the program marked as a secret."""

    value: Any


@dataclass(frozen=True)
class Reference:
    """A resource handed to another as an input."""

    urn: str


@dataclass(frozen=True, kw_only=True)
class Registration:
    """A resource as the program asked for it.

    Attributes:
        type: Its type token.
        name: Its name in the program.
        urn: Its URN.
        id: Its id, as a provider would give it; empty where it is not known, and of a component.
        parent: Its parent's URN.
        earlier_parents: URNs of parents that it had, by its aliases.
        custom: Whether a provider makes it; otherwise it is a component.
        remote: Whether it is a component that a plugin makes.
        inputs: As plain values, with `Secret`, `Reference` and `UNKNOWN` where they stand.
        provider: URN of the provider that was named for it; None where it was left to a default.
        dependencies: URNs of what it comes after, named or through its inputs.
        ignore_changes: Paths whose later changes are left alone.
        replace_on_changes: Paths whose later changes replace it; `*` for all.
        delete_before_replace: Whether it is deleted before its replacement is made.
        retain_on_delete: Whether its object outlives it.
        deleted_with: URN of what takes it along when it is deleted; None where it is deleted itself.
        protect: Whether it refuses to be deleted.
        outputs: What it registered as outputs at its end; None if it did not.
    """

    type: str
    name: str
    urn: str
    id: str
    parent: str
    earlier_parents: tuple[str, ...]
    custom: bool
    remote: bool
    inputs: Mapping[str, Any] = field(repr=False)
    provider: str | None
    dependencies: frozenset[str]
    ignore_changes: tuple[str, ...]
    replace_on_changes: tuple[str, ...]
    delete_before_replace: bool
    retain_on_delete: bool
    deleted_with: str | None
    protect: bool
    outputs: Mapping[str, Any] | None

    @property
    def is_provider(self) -> bool:
        """Whether it is a provider."""
        return self.type.startswith("pulumi:providers:")

    @property
    def kind(self) -> str | None:
        """The kind of a Kubernetes object; None for anything else, a Helm release too."""
        return str(self.inputs["kind"]) if self.type.startswith("kubernetes:") and "kind" in self.inputs else None

    @property
    def metadata(self) -> Mapping[str, Any]:
        """A Kubernetes object's metadata."""
        return self.inputs["metadata"]

    @property
    def spec(self) -> Mapping[str, Any]:
        """A Kubernetes object's spec."""
        return self.inputs["spec"]


@dataclass(frozen=True)
class Graph:
    """Everything that one run of a program registered.

    Attributes:
        resources: By URN.
        outputs: The stack's outputs.
    """

    resources: Mapping[str, Registration] = field(repr=False)
    outputs: Mapping[str, Any] = field(repr=False)

    def of_type(self, token: str) -> list[Registration]:
        """Every resource of a type; at least one."""
        return every((one for one in self.resources.values() if one.type == token), token)

    def of_kind(self, kind: str) -> list[Registration]:
        """Every Kubernetes object of a kind; at least one."""
        return every((one for one in self.resources.values() if one.kind == kind), kind)

    def named(self, token: str, name: str) -> Registration:
        """The resource of a type that has a name in the program."""
        (found,) = every((one for one in self.of_type(token) if one.name == name), f"{token} {name}")
        return found

    def release(self, name: str) -> Registration:
        """The Helm release of a name."""
        return self.named("kubernetes:helm.sh/v3:Release", name)

    def after_all(self, one: Registration) -> frozenset[str]:
        """URNs of everything that a resource comes after, at any distance; it goes before all of it."""
        found: set[str] = set()
        waiting = [*self.comes_after(one)]
        while waiting:
            urn = waiting.pop()
            if urn in found:
                continue
            found.add(urn)
            if urn in self.resources:
                waiting += self.comes_after(self.resources[urn])
            # A component is made of its children: who waits for it, waits for them.
            waiting += self._children_of_component(urn)
        return frozenset(found)

    def _children_of_component(self, urn: str) -> list[str]:
        """What a component is made of; the children of anything else are nobody's to wait for.

        https://github.com/pulumi/pulumi/blob/v3.260.0/pkg/resource/graph/dependency_graph.go (`DependenciesOf`)
        """
        if urn in self.resources and self.resources[urn].custom:
            return []
        return [child.urn for child in self.resources.values() if child.parent == urn]

    def children(self, parent: Registration) -> list[Registration]:
        """Every resource whose parent is this one."""
        return every((one for one in self.resources.values() if one.parent == parent.urn), f"child of {parent.urn}")

    def comes_after(self, one: Registration) -> frozenset[str]:
        """URNs of what a resource comes after: its own dependencies and those of the components around it.

        A resource comes after its parent, and goes before it, hence also after and before what the parent depends on.
        """
        around = self.resources.get(one.parent)
        return one.dependencies if around is None else one.dependencies | self.comes_after(around)

    def custom(self) -> list[Registration]:
        """Every resource that a provider makes, but for the providers."""
        return every((one for one in self.resources.values() if one.custom and not one.is_provider), "custom resource")

    def components(self) -> list[Registration]:
        """Every component of the program's own."""
        return every(
            (one for one in self.resources.values() if not one.custom and not one.remote), "component of our own"
        )

    def objects(self) -> list[Registration]:
        """Every Kubernetes object."""
        return every((one for one in self.resources.values() if one.kind is not None), "Kubernetes object")


def of_logs(one: Registration) -> bool:
    """Whether a resource stands in the component of the logs: other rules hold there, and tests of its own."""
    return "hello:platform:Logs" in one.urn


def every(items: Iterable[T], what: str = "item") -> list[T]:
    """The items as a list; an empty selection fails, since what is said of all of nothing says nothing.

    Args:
        items: What an invariant is about.
        what: What they are, for the message.

    Raises:
        AssertionError: There are none.
    """
    selected = list(items)
    if not selected:
        raise AssertionError(f"nothing was checked: there is no {what}")
    return selected
