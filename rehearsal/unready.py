"""Why pods are not ready: the engine says only that it has waited for them in vain."""

from __future__ import annotations

from collections.abc import Iterable

from kube.client import KubernetesApi, KubernetesApiError, KubernetesObject, has_condition
from release.observe import troubles_of
from release.state import Trouble

SHOWN = 10
"""Maximum of lines."""


def reasons(api: KubernetesApi) -> list[str]:
    """Pods that are not ready, and workloads whose pods cannot be created, each with the reason; at most `SHOWN`.

    Empty if the API server does not answer, or takes no request.
    """
    try:
        pods, events = api.list("v1", "Pod"), api.list("v1", "Event")
    except KubernetesApiError:
        return []
    lines = [*_not_created(events), *(f"pod {_name(pod)}: {_why(pod, events)}" for pod in pods if _is_unready(pod))]
    return lines[:SHOWN]


def _is_unready(pod: KubernetesObject) -> bool:
    over = pod.get("status", {}).get("phase") in ("Succeeded", "Failed")
    return not (over or "deletionTimestamp" in pod["metadata"] or has_condition(pod, "Ready"))


def _why(pod: KubernetesObject, events: Iterable[KubernetesObject]) -> str:
    """The reason in the pod's status, else its last warning, else its phase."""
    if troubles := troubles_of(pod):
        return str(troubles[0])
    warnings = [one for one in events if one["involvedObject"].get("uid") == pod["metadata"]["uid"]]
    last = max((one for one in warnings if one.get("type") == "Warning"), key=_time, default=None)
    return _said(last) if last else f"phase {pod.get('status', {}).get('phase', 'unknown')}, without a warning"


def _not_created(events: Iterable[KubernetesObject]) -> list[str]:
    """The last refusal of each workload's pods, e.g. by a quota or an admission policy."""
    refused = sorted((one for one in events if one.get("reason") == "FailedCreate"), key=_time)
    last = {(one["involvedObject"]["kind"], _name_of(one)): one for one in refused}
    return [f"{kind} {name}: {_said(event)}" for (kind, name), event in last.items()]


def _said(event: KubernetesObject) -> str:
    return str(Trouble(str(event.get("reason", "")), str(event.get("message", ""))))


def _name(body: KubernetesObject) -> str:
    return f"{body['metadata']['namespace']}/{body['metadata']['name']}"


def _name_of(event: KubernetesObject) -> str:
    return f"{event['metadata']['namespace']}/{event['involvedObject']['name']}"


def _time(event: KubernetesObject) -> str:
    """When it was last seen; the scheduler writes `eventTime` alone."""
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"])
