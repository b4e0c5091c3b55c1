"""What an interrupted engine leaves behind, and how the next run takes it up.

An engine that is killed leaves its lock, and in its state the creates that were under way. Of those some were done:
left alone, the next run would make them twice in AWS, and fail on them in Kubernetes, where the provider refuses to
create what exists. An operator would look them up and import them; a rehearsal can do the same by itself, since the
aws stand-in remembers the URN that each resource was made for, and a Kubernetes object is found by its name, a Helm
release by its records.

https://www.pulumi.com/docs/iac/support/troubleshooting/common-issues/interrupted-updates/
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from kube.client import KubernetesApi, KubernetesObject
from rehearsal.emulators.aws.account import Account
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout


def break_stale_lock(layout: Layout) -> bool:
    """Removes the backend's lock, if there is one and the process that holds it is gone; says whether.

    https://github.com/pulumi/pulumi/blob/v3.260.0/pkg/backend/diy/lock.go

    Raises:
        RehearsalError: The process still runs.
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


def drop_half_written(layout: Layout) -> list[Path]:
    """Removes what an engine left that was killed while it wrote the attributes of a file of its backend.

    Each file has them beside it (content type, checksum); half of them make the file unreadable ("failed to load
    checkpoint: EOF"), none of them do not. The files themselves are written whole or not at all.
    https://pkg.go.dev/gocloud.dev/blob/fileblob
    """
    half = [path for path in layout.state.rglob("*.attrs") if not _is_json(path)]
    for path in half:
        path.unlink()
    return half


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return False
    return True


RELEASE = "kubernetes:helm.sh/v3:Release"


@dataclass(frozen=True)
class PendingCreate:
    """A create whose end the engine did not see.

    Attributes:
        resource: The resource as the state has it, without an id.
        identifier: The id of what was made all the same, or None.
    """

    resource: dict[str, Any]
    identifier: str | None

    @property
    def urn(self) -> str:
        """The resource's URN."""
        return str(self.resource["urn"])


def pending_creates(account: Account, api: KubernetesApi, deployment: dict[str, Any]) -> list[PendingCreate]:
    """The creates that a state, as `pulumi stack export` has it, has as under way, and which of them were done."""
    operations: list[dict[str, Any]] = deployment.get("pending_operations") or []
    resources: list[dict[str, Any]] = deployment.get("resources") or []
    in_state = {(str(resource["urn"]), str(resource.get("id"))) for resource in resources}
    found: list[PendingCreate] = []
    for resource in (operation["resource"] for operation in operations if operation["type"] == "creating"):
        urn = str(resource["urn"])
        existing = (*(record.id for record in account.find_by_urn(urn)), *_in_cluster(api, resource))
        made = [one for one in existing if (urn, one) not in in_state]
        found.append(PendingCreate(resource, made[-1] if made else None))
    return found


def taken_up(deployment: dict[str, Any], creates: list[PendingCreate]) -> dict[str, Any]:
    """The state without pending creates, and with those resources that were made.

    Each stands before the first resource that names it, as the engine demands of a state. The engine's own
    `refresh --import-pending-creates` (v3.250) drops them instead: it marks them as imports under way, and those end
    with the next operation. What a resource's outputs are, a refresh has to find out.
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
    """URNs that must stand before a resource in a state.

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
    """Removes Helm's records of releases whose installation did not come to its end.

    With them, Helm refuses the name (https://github.com/helm/helm/issues/4174). Objects that were made stay: the next
    installation takes over those that bear the release's name (https://github.com/helm/helm/pull/7649).
    """
    for create in creates:
        if create.resource["type"] == RELEASE and create.identifier is None:
            for one in _records_of_release(api, create.resource):
                api.delete("v1", "Secret", one["metadata"]["name"], one["metadata"]["namespace"])


def _records_of_release(api: KubernetesApi, resource: dict[str, Any]) -> list[KubernetesObject]:
    """The Secrets in which Helm keeps a release, one a revision: https://helm.sh/docs/topics/advanced/#storage-backends."""
    inputs: dict[str, Any] = resource.get("inputs") or {}
    selector = f"owner=helm,name={inputs.get('name')}"
    return api.list("v1", "Secret", namespace=inputs.get("namespace") or "default", label_selector=selector)


def _in_cluster(api: KubernetesApi, resource: dict[str, Any]) -> list[str]:
    """A Kubernetes object's id, NAMESPACE/NAME or NAME, if it exists; a Helm release's, if it is installed."""
    if resource["type"] == RELEASE:
        found = [one["metadata"] for one in _records_of_release(api, resource)]
        return [f"{one['namespace']}/{one['labels']['name']}" for one in found if one["labels"]["status"] == "deployed"]
    if not str(resource["type"]).startswith("kubernetes:"):
        return []
    inputs: dict[str, Any] = resource.get("inputs") or {}
    metadata: dict[str, Any] = inputs.get("metadata") or {}
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if not name or api.get(inputs["apiVersion"], inputs["kind"], name, namespace) is None:
        return []
    return [f"{namespace}/{name}" if namespace else str(name)]
