"""Pod templates of earlier releases, which Kubernetes keeps in the ReplicaSets of the slots' Deployments.

https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#clean-up-policy
"""

from __future__ import annotations

from typing import Any

from contract import labels
from contract.blue_green import port_policy_name
from release import slots
from release.errors import ReleaseError
from release.history import Entry, Revision
from release.objects import ObjectApi
from release.prune import KINDS
from release.state import ServiceState


def entry(state: ServiceState, release: str) -> Entry:
    """The release of an id in a service's history.

    Raises:
        ReleaseError: There is none.
    """
    for one in state.history:
        if one.id == release:
            return one
    raise ReleaseError(
        f"the history of {state.service} in {state.environment} has no release {release}",
        remedy=f"`release history {state.environment} {state.service} --full` shows the ids of the last ones",
    )


def kept(api: ObjectApi, state: ServiceState, revision: Revision) -> dict[str, Any]:
    """The pod template of a revision that a slot had.

    Raises:
        ReleaseError: Kubernetes does not keep it any more, or something that it refers to was deleted.
        KubernetesApiError: The API server refused.
    """
    selector = f"{labels.SERVICE}={state.service}"
    found = api.list("apps/v1", "ReplicaSet", namespace=state.environment, label_selector=selector)
    templates: list[dict[str, Any]] = [one["spec"]["template"] for one in found]
    template = next((one for one in templates if _is_of(one, revision)), None)
    again = f"set what it had in the stack's settings, run `pulumi up`, and deploy {revision.image}"
    if template is None:
        raise ReleaseError(
            f"no ReplicaSet of {state.service} has the template {revision.template} any more", remedy=again
        )
    needed = {*slots.configuration(template["spec"])}
    needed |= {port_policy_name(state.service, port) for port in slots.ports(template["spec"])}
    there = {
        str(one["metadata"]["name"])
        for version, kind in KINDS
        for one in api.list(version, kind, namespace=state.environment, label_selector=selector, metadata_only=True)
    }
    missing = sorted(needed - there)
    if missing:
        what = ", ".join(missing)
        raise ReleaseError(
            f"the template {revision.template} of {state.service} needs {what}, deleted since", remedy=again
        )
    return template


def _is_of(template: dict[str, Any], revision: Revision) -> bool:
    annotations: dict[str, str] = template["metadata"].get("annotations") or {}
    images = [str(one["image"]) for one in template["spec"]["containers"]]
    return annotations.get(slots.TEMPLATE_HASH, "") == revision.template and revision.image in images
