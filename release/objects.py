"""Changes of Kubernetes objects with optimistic locking."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, TypeAlias

from contract.blue_green import RELEASE_MANAGER
from kube.client import KubernetesApiError, KubernetesObject
from release.errors import LostRaceError

CONFLICT = 409
UNPROCESSABLE = 422


class ObjectReader(Protocol):
    """What the state of a service is read from: the API server, or a snapshot of an environment."""

    @property
    def is_concurrent(self) -> bool:
        """Whether several threads may call it, and gain time by that."""
        ...

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> KubernetesObject | None:
        """The object, or None where there is none."""
        ...

    def list(
        self,
        api_version: str,
        kind: str,
        *,
        namespace: str | None = None,
        label_selector: str | None = None,
        metadata_only: bool = False,
    ) -> list[KubernetesObject]:
        """All objects of a kind."""
        ...


class ObjectApi(ObjectReader, Protocol):
    """The part of `KubernetesApi` that the release tool uses; tests implement it in memory."""

    def create(self, body: KubernetesObject) -> KubernetesObject:
        """Creates an object."""
        ...

    def apply(
        self, body: KubernetesObject, *, field_manager: str, force: bool = False, dry_run: bool = False
    ) -> KubernetesObject:
        """Server-side apply."""
        ...

    def json_patch(
        self,
        api_version: str,
        kind: str,
        name: str,
        patch: list[dict[str, Any]],
        *,
        namespace: str | None = None,
        field_manager: str | None = None,
        dry_run: bool = False,
    ) -> KubernetesObject:
        """Applies a JSON Patch."""
        ...

    def delete(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> None:
        """Asks for an object's deletion."""
        ...

    def pod_log(self, name: str, namespace: str, *, lines: int) -> str:
        """The last lines that a pod's container wrote."""
        ...

    def watch(
        self,
        api_version: str,
        kind: str,
        *,
        namespace: str | None = None,
        label_selector: str | None = None,
        timeout: int,
    ) -> Iterator[tuple[str, KubernetesObject]]:
        """Yields each event's type and object."""
        ...


def create(api: ObjectApi, body: KubernetesObject) -> None:
    """Creates an object.

    Raises:
        LostRaceError: An object of this name exists already.
    """
    try:
        api.create(body)
    except KubernetesApiError as error:
        if error.status == CONFLICT:
            raise LostRaceError(f"{body['kind']} {body['metadata']['name']} exists already") from None
        raise


ObjectName: TypeAlias = tuple[str, str, str, str]
"""API version, kind, name, namespace."""


def patch(api: ObjectApi, body: KubernetesObject, change: list[dict[str, Any]]) -> None:
    """Applies a JSON Patch to an object, provided that it has not changed since `body` was read.

    Raises:
        LostRaceError: The object has changed.
    """
    metadata = body["metadata"]
    test = {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]}
    patch_if(api, (body["apiVersion"], body["kind"], metadata["name"], metadata["namespace"]), test, change)


def replace(api: ObjectApi, target: ObjectName, path: str, *, old: object, new: object) -> None:
    """Replaces the value of one field, provided that it is still `old`.

    Args:
        api: The API server.
        target: The object.
        path: JSON Pointer to the field.
        old: Value that was read.
        new: New value.

    Raises:
        LostRaceError: The value has changed.
    """
    test = {"op": "test", "path": path, "value": old}
    patch_if(api, target, test, [{"op": "replace", "path": path, "value": new}])


def patch_if(
    api: ObjectApi, target: ObjectName, test: dict[str, Any], change: list[dict[str, Any]], *, dry_run: bool = False
) -> None:
    """Applies a JSON Patch (RFC 6902) to an object, provided that its first operation, a `test`, succeeds.

    Raises:
        LostRaceError: The `test` failed.
    """
    api_version, kind, name, namespace = target
    try:
        operations = [test, *change]
        api.json_patch(
            api_version, kind, name, operations, namespace=namespace, field_manager=RELEASE_MANAGER, dry_run=dry_run
        )
    except KubernetesApiError as error:
        if error.status not in (CONFLICT, UNPROCESSABLE):
            raise
        # An admission policy refuses with the same status as a failed test: the object's value tells them apart.
        body = api.get(api_version, kind, name, namespace)
        if body is not None and value_at(body, test["path"]) == test["value"]:
            raise
        raise LostRaceError(f"{kind} {name}: {test['path']} is no longer {test['value']}") from None


def value_at(body: KubernetesObject, pointer: str) -> Any:
    """The value at a JSON Pointer (RFC 6901), or None."""
    value: Any = body
    for part in pointer.removeprefix("/").split("/"):
        value = value.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(value, dict) else None  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType]
    return value  # pyright: ignore[reportUnknownVariableType]
