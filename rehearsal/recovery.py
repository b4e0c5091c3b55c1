"""Recovery of the state after an interrupted engine run.

A killed engine leaves its lock, and pending creates in its state. Some of those resources exist, and the next run would
create them again. On AWS, an operator imports them. Here the `aws` emulator records each resource's URN, Kubernetes
objects are found by name, and Helm releases by their records.

https://www.pulumi.com/docs/iac/support/troubleshooting/common-issues/interrupted-updates/
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psutil

from kube.client import KubernetesApi, KubernetesObject
from rehearsal import processes, strays
from rehearsal.emulators.aws.account import Account
from rehearsal.errors import RehearsalError
from rehearsal.layout import DIRECTORY_VARIABLE, Layout
from rehearsal.workspace import EMULATORS

PROVIDER = re.compile(r"(^|/)pulumi-resource-\w+$")
"""A word of a provider's command line: its program; that of an emulator is its module."""

PROVIDER_GRACE_SECONDS = 10.0


def break_stale_lock(layout: Layout) -> bool:
    """Removes the backend's locks of processes that are gone; returns whether there was one.

    https://github.com/pulumi/pulumi/blob/v3.260.0/pkg/backend/diy/lock.go

    Raises:
        RehearsalError: The process that holds a lock still runs.
    """
    broken = False
    for path in (layout.state / ".pulumi" / "locks").rglob("*.json"):
        pid = int(json.loads(path.read_text())["pid"])
        if psutil.pid_exists(pid):
            raise RehearsalError(
                f"A pulumi (process {pid}) is at work on this stack.",
                remedy=f"wait until it has ended; if that process is no pulumi, delete {path}.",
            )
        path.unlink()
        broken = True
    return broken


def end_orphaned_providers(layout: Layout) -> None:
    """Ends providers that outlived a killed engine, since one may still be at work on a create.

    Only then does the account say what was created.
    """
    ours = strays.marked(DIRECTORY_VARIABLE).get(str(layout.directory), ())
    processes.end([process for process in ours if _is_orphaned_provider(process)], PROVIDER_GRACE_SECONDS)


def _is_orphaned_provider(process: psutil.Process) -> bool:
    """Whether a process is a provider whose parent is no engine."""
    try:
        is_provider = any(PROVIDER.search(word) or word in EMULATORS.values() for word in process.cmdline())
        parent = process.parent()
        return is_provider and (parent is None or parent.name() != "pulumi")
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


RELEASE = "kubernetes:helm.sh/v3:Release"


@dataclass(frozen=True)
class PendingCreate:
    """A create that was under way when the engine was killed.

    Attributes:
        resource: The resource in the state, without an id.
        identifier: Id of the existing resource; None if it was not created.
    """

    resource: dict[str, Any]
    identifier: str | None

    @property
    def urn(self) -> str:
        """The resource's URN."""
        return str(self.resource["urn"])


def pending_creates(account: Account, api: KubernetesApi, deployment: dict[str, Any]) -> list[PendingCreate]:
    """The pending creates of a deployment, as `pulumi stack export` has it, with the ids of those that were done."""
    operations: list[dict[str, Any]] = deployment.get("pending_operations") or []
    resources: list[dict[str, Any]] = deployment.get("resources") or []
    in_state = {(str(resource["urn"]), str(resource.get("id"))) for resource in resources}
    creates: list[PendingCreate] = []
    for resource in (operation["resource"] for operation in operations if operation["type"] == "creating"):
        urn = str(resource["urn"])
        existing = (*(record.id for record in account.find_by_urn(urn)), *_in_cluster(api, resource))
        unknown = [identifier for identifier in existing if (urn, identifier) not in in_state]
        creates.append(PendingCreate(resource, unknown[-1] if unknown else None))
    return creates


def taken_up(deployment: dict[str, Any], creates: list[PendingCreate]) -> dict[str, Any]:
    """The deployment without pending creates, and with the resources that were created.

    Each is inserted before the first resource that depends on it, as the engine requires. Its outputs need a refresh.
    The engine's own `refresh --import-pending-creates` (v3.250) does not help: it turns the creates into pending
    imports, which the next operation drops.
    """
    resources: list[dict[str, Any]] = list(deployment.get("resources") or [])
    for create in creates:
        if create.identifier is not None:
            users = (place for place, other in enumerate(resources) if create.urn in _named_by(other))
            resources.insert(next(users, len(resources)), {**create.resource, "id": create.identifier})
    operations: list[dict[str, Any]] = deployment.get("pending_operations") or []
    return {
        **deployment,
        "resources": resources,
        "pending_operations": [operation for operation in operations if operation["type"] != "creating"],
    }


def _named_by(resource: dict[str, Any]) -> set[str]:
    """URNs that must precede a resource in a state.

    https://github.com/pulumi/pulumi/blob/v3.260.0/pkg/resource/deploy/snapshot.go (`VerifyIntegrity`)
    """
    by_property: dict[str, list[str]] = resource.get("propertyDependencies") or {}
    return {
        str(resource.get("parent")),
        str(resource.get("deletedWith")),
        str(resource.get("provider")).rpartition("::")[0],
        *(resource.get("dependencies") or ()),
        *(urn for urns in by_property.values() for urn in urns or ()),
    }


def drop_unfinished_releases(api: KubernetesApi, creates: Sequence[PendingCreate]) -> None:
    """Removes Helm's records of releases whose installation was interrupted.

    With such a record, Helm refuses to install the release (https://github.com/helm/helm/issues/4174). The release's
    objects stay: the next installation adopts them (https://github.com/helm/helm/pull/7649).
    """
    for create in creates:
        if create.resource["type"] == RELEASE and create.identifier is None:
            for one in _records_of_release(api, create.resource):
                api.delete("v1", "Secret", one["metadata"]["name"], one["metadata"]["namespace"])


def _records_of_release(api: KubernetesApi, resource: dict[str, Any]) -> list[KubernetesObject]:
    """Helm's Secrets of a release, one per revision: https://helm.sh/docs/topics/advanced/#storage-backends."""
    inputs: dict[str, Any] = resource.get("inputs") or {}
    selector = f"owner=helm,name={inputs.get('name')}"
    return api.list("v1", "Secret", namespace=inputs.get("namespace") or "default", label_selector=selector)


def _in_cluster(api: KubernetesApi, resource: dict[str, Any]) -> list[str]:
    """Pulumi id (NAMESPACE/NAME or NAME) of an existing object or a deployed Helm release; else empty."""
    if resource["type"] == RELEASE:
        records = [one["metadata"] for one in _records_of_release(api, resource)]
        deployed = [one for one in records if one["labels"]["status"] == "deployed"]
        return [f"{one['namespace']}/{one['labels']['name']}" for one in deployed]
    if not str(resource["type"]).startswith("kubernetes:"):
        return []
    inputs: dict[str, Any] = resource.get("inputs") or {}
    metadata: dict[str, Any] = inputs.get("metadata") or {}
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if not name or api.get(inputs["apiVersion"], inputs["kind"], name, namespace) is None:
        return []
    return [f"{namespace}/{name}" if namespace else str(name)]
