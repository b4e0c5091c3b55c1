"""Making, changing and deleting objects as the real provider does, request by request.

https://github.com/pulumi/pulumi-kubernetes/blob/v4.29.0/provider/pkg/await/await.go
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rehearsal.stand_ins.kubernetes.annotations import (
    deletion_propagation,
    is_true,
    skips_await,
    skips_await_of_deletion,
)
from rehearsal.stand_ins.kubernetes.api_server import ApiError, ApiServer
from rehearsal.stand_ins.kubernetes.managed_fields import CREATOR, adopted, was_created_here, without_ignored
from rehearsal.stand_ins.kubernetes.waiting import Wait, Waiter
from release.kubernetes_api import KubernetesObject

_CREATE_TRIES = 6
_FIRST_PAUSE_SECONDS = 1.0

_EXISTS = """{error}

The resource already exists in the cluster. This can happen when:

  - Renaming a Pulumi resource: use an alias to preserve the identity,
    or use deleteBeforeReplace if the resource needs replacement.
  - Adopting a resource into Pulumi: use `pulumi import`.
  - An earlier run that was killed before it could note what it had made: run once with
    PULUMI_K8S_UPSERT_EXISTING_OBJECTS=true, which lets a create apply to what exists."""

_CONFLICT = """server-side apply field conflict detected, see \
https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/\
#handle-field-conflicts-on-existing-resources for troubleshooting help
The resource managed by field manager "{manager}" had an apply conflict: {error}
Leave the field to its other manager with the resource option ignore_changes, or let that manager give it up."""


@dataclass(frozen=True)
class Change:
    """One operation on one object.

    Attributes:
        urn: The resource.
        inputs: What is asked for.
        manager: The resource's field manager.
        seconds: Longest wait for readiness or the end (> 0).
        preview: Whether the API server only says what would be.
    """

    urn: str
    inputs: KubernetesObject
    manager: str
    seconds: float
    preview: bool = False


class Objects:
    """The objects of one cluster.

    Args:
        api: Its API server.
        waiter: Waits for them.
        stopped: Ends retries when set.
        upsert: Creating an object that exists applies to it instead of failing.
        force: Applies take over other managers' fields instead of conflicting.
    """

    def __init__(self, api: ApiServer, waiter: Waiter, stopped: threading.Event, *, upsert: bool, force: bool) -> None:
        self._api = api
        self._waiter = waiter
        self._stopped = stopped
        self._upsert = upsert
        self._force = force

    def create(self, change: Change) -> KubernetesObject:
        """Creates an object and waits until it is ready.

        A namespace or a kind that is not there yet may be about to come: tried again for half a minute.

        Raises:
            ApiError: The API server refused it: nothing was made.
            NotReadyError: It was made, but does not get ready.
        """
        created = self._retried(lambda: self._create(change), change)
        if change.preview or skips_await(change.inputs):
            return created
        return self._waiter.until_ready(created, Wait(change.urn, change.seconds))

    def _create(self, change: Change) -> KubernetesObject:
        if self._upsert:
            force = self._forces(change, None)
            return self._api.apply(change.inputs, manager=change.manager, force=force, dry_run=change.preview)
        return self._api.create(change.inputs, manager=CREATOR, dry_run=change.preview)

    def _retried(self, attempt: Callable[[], KubernetesObject], change: Change) -> KubernetesObject:
        pause = _FIRST_PAUSE_SECONDS
        for left in reversed(range(_CREATE_TRIES)):
            try:
                return attempt()
            except ApiError as error:
                hopeless = change.preview and error.about == "namespaces"
                if not error.is_not_found or hopeless or left == 0 or self._stopped.wait(pause):
                    raise _explained(error, change.manager) from None
            pause *= 2
        raise AssertionError  # the last try returns or raises

    def read(self, api_version: str, kind: str, namespace: str | None, name: str) -> KubernetesObject:
        """An object as it is.

        Raises:
            ApiError: It is not there, or the API server cannot be asked.
        """
        return self._api.get(api_version, kind, namespace, name)

    def check_ready(self, live: KubernetesObject) -> None:
        """Judges an object without waiting, as a refresh does.

        Raises:
            NotReadyError: It is not ready.
        """
        self._waiter.check_now(live)

    def to_apply(
        self, change: Change, name: str, ignore_changes: Sequence[str]
    ) -> tuple[KubernetesObject, KubernetesObject]:
        """The live object and what is to be applied to it, without the fields that are left to others.

        What the creation in this provider's name, or `kubectl`, owns becomes the resource's own first.

        Raises:
            ApiError: The object is not there, or the API server cannot be asked.
        """
        inputs = change.inputs
        live = self._api.get(inputs["apiVersion"], inputs["kind"], inputs["metadata"].get("namespace"), name)
        entries = None if change.preview else adopted(live["metadata"].get("managedFields", []), change.manager)
        if entries is not None:
            patch = [{"op": "replace", "path": "/metadata/managedFields", "value": entries}]
            live = self._api.json_patch(live, patch)
        return live, without_ignored(inputs, live, manager=change.manager, ignore_changes=ignore_changes)

    def update(self, change: Change, live: KubernetesObject, body: KubernetesObject) -> KubernetesObject:
        """Applies to a live object and waits until it is ready again.

        Args:
            change: The operation.
            live: The object, as `to_apply` returned it.
            body: What to apply, likewise.

        Raises:
            ApiError: The API server refused it.
            NotReadyError: It was applied, but the object does not get ready.
        """
        if body["kind"] == "CustomResourceDefinition":
            # An apply would merge lists of versions and columns: it is replaced whole.
            metadata = {**body["metadata"], "resourceVersion": live["metadata"]["resourceVersion"]}
            return self._api.replace({**body, "metadata": metadata}, manager=change.manager, dry_run=change.preview)
        try:
            result = self._api.apply(
                body, manager=change.manager, force=self._forces(change, live), dry_run=change.preview
            )
        except ApiError as error:
            raise _explained(error, change.manager) from None
        if change.preview or skips_await(change.inputs):
            return result
        return self._waiter.until_ready(result, Wait(change.urn, change.seconds, is_update=True))

    def _forces(self, change: Change, live: KubernetesObject | None) -> bool:
        if self._force or is_true(change.inputs, "pulumi.com/patchForce"):
            return True
        if live is None:
            return change.preview
        entries = live["metadata"].get("managedFields", [])
        return not entries or (change.preview and was_created_here(entries))

    def delete(self, change: Change, live: KubernetesObject) -> None:
        """Deletes an object with what it owns and waits until it is gone; one that is gone already is no error.

        Raises:
            ApiError: The API server refused it.
            NotReadyError: It is not gone in time.
        """
        metadata, propagation = live["metadata"], deletion_propagation(change.inputs)
        try:
            self._api.delete(
                live["apiVersion"], live["kind"], metadata.get("namespace"), metadata["name"], propagation=propagation
            )
        except ApiError as error:
            if error.is_not_found:
                return
            raise
        if not skips_await_of_deletion(change.inputs):
            self._waiter.until_gone(live, Wait(change.urn, change.seconds))


def _explained(error: ApiError, manager: str) -> ApiError:
    """The API server's error with what to do about it, where the person can do something."""
    forms = {"AlreadyExists": _EXISTS, "Conflict": _CONFLICT}
    form = forms.get(error.reason, "{error}")
    return ApiError(
        form.format(error=error, manager=manager), status=error.status, reason=error.reason, about=error.about
    )
