"""The Jobs of hooks: their manifests, what the cluster says of them, and what they wrote."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from contract import labels
from contract.blue_green import HOOK, OVERRIDE, slot_name
from kube.client import KubernetesApiError, KubernetesObject, has_condition
from release.errors import LostRaceError
from release.hooks.values import HookSettings, Job
from release.objects import CONFLICT, ObjectApi, ObjectReader
from release.state import ServiceState

KEPT_SECONDS = 7 * 24 * 3600
"""How long a Job, its pod and the pod's log stay in the cluster after its end."""

LOG_LINES = 200
"""The last lines of a hook's log that a release shows; all of them are in Kibana."""

JOB_NAME = "batch.kubernetes.io/job-name"
"""Label of a Job's pods. https://kubernetes.io/docs/reference/labels-annotations-taints/#batchkubernetesio-job-name"""

SAFE_TO_EVICT = "cluster-autoscaler.kubernetes.io/safe-to-evict"
"""https://kubernetes.io/docs/reference/labels-annotations-taints/#cluster-autoscaler-kubernetes-io-safe-to-evict"""

_SERVED_ONLY = ("ports", "startupProbe", "readinessProbe", "livenessProbe", "lifecycle")
"""The fields of a container that serves, and nothing else."""


def manifest(
    deployment: KubernetesObject, state: ServiceState, settings: HookSettings, *, slot: str, name: str
) -> KubernetesObject:
    """A hook's Job: the pod of a slot, with another command, no port and no slot, so that no Service selects it.

    It is started once: an attempt that failed, or whose node went away, may have done half of its work.

    Args:
        deployment: The slot's Deployment, as read from the API server.
        state: The service.
        settings: The hook.
        slot: The slot.
        name: The Job's name.

    Raises:
        LostRaceError: The slot does not hold what it held when `state` was observed.
    """
    template: dict[str, Any] = copy.deepcopy(deployment["spec"]["template"])
    revision = state.slot(slot).revision
    own = [one for one in template["spec"]["containers"] if revision and one["image"] == revision.image]
    if not own:
        raise LostRaceError(f"slot {slot} of {state.service} has changed since it was read")
    container = {key: value for key, value in own[0].items() if key not in _SERVED_ONLY}
    container |= {"command": list(settings.command), "args": list(settings.args)}
    own_labels = {key: value for key, value in template["metadata"]["labels"].items() if key != labels.SLOT}
    own_labels |= {HOOK: settings.hook.label}
    slots_annotations: Mapping[str, str] = template["metadata"].get("annotations") or {}
    annotations = {SAFE_TO_EVICT: "false"}
    if OVERRIDE in slots_annotations:
        annotations[OVERRIDE] = slots_annotations[OVERRIDE]
    dropped = ("topologySpreadConstraints", "initContainers")
    spec = {key: value for key, value in template["spec"].items() if key not in dropped}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": state.environment, "labels": own_labels},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": settings.timeout_seconds,
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "template": {
                "metadata": {"labels": own_labels, "annotations": annotations},
                "spec": {**spec, "restartPolicy": "Never", "containers": [container]},
            },
        },
    }


def create(api: ObjectApi, state: ServiceState, settings: HookSettings, *, slot: str, name: str) -> None:
    """Creates a hook's Job; one that is there already is the same.

    Raises:
        LostRaceError: The slot has changed since `state` was observed.
        KubernetesApiError: The API server refused.
    """
    deployment = api.get("apps/v1", "Deployment", slot_name(state.service, slot), state.environment)
    if deployment is None:
        raise LostRaceError(f"slot {slot} of {state.service} is gone")
    try:
        api.create(manifest(deployment, state, settings, slot=slot, name=name))
    except KubernetesApiError as error:
        if error.status != CONFLICT:
            raise


def read(
    api: ObjectReader, environment: str, service: str, pods: Iterable[KubernetesObject]
) -> dict[str, KubernetesObject]:
    """The Jobs of a service's hooks by name, each with its pods under `pods`."""
    found = api.list("batch/v1", "Job", namespace=environment, label_selector=f"{labels.SERVICE}={service}")
    jobs: dict[str, KubernetesObject] = {str(job["metadata"]["name"]): {**job, "pods": []} for job in found}
    for pod in pods:
        name = pod["metadata"]["labels"].get(JOB_NAME)
        if name in jobs:
            jobs[name]["pods"].append(pod)
    return jobs


def job(body: KubernetesObject, troubles: tuple[str, ...]) -> Job:
    """What became of a Job that `read` has read.

    Args:
        body: The Job, with its pods.
        troubles: Why its pods do not run.
    """
    if has_condition(body, "Complete"):
        return Job(is_finished=True)
    if not has_condition(body, "Failed"):
        return Job(troubles=troubles)
    condition: Mapping[str, Any] = next(
        one for one in body["status"]["conditions"] if (one["type"], one["status"]) == ("Failed", "True")
    )
    reason = ": ".join(str(condition[key]) for key in ("reason", "message") if condition.get(key)) or "it failed"
    codes: list[int] = [code for pod in body["pods"] if (code := _exit_code(pod))]
    # The pod of a Job that took too long was killed: its exit code says nothing.
    is_late = condition.get("reason") == "DeadlineExceeded"
    return Job(is_finished=True, failure=f"exit code {codes[0]}" if codes and not is_late else reason)


def logs(api: ObjectApi, environment: str, job_name: str) -> list[str]:
    """The last lines that the pods of a Job wrote; a pod that is gone, or never started, has none."""
    lines: list[str] = []
    for pod in api.list("v1", "Pod", namespace=environment, label_selector=f"{JOB_NAME}={job_name}"):
        try:
            lines += api.pod_log(str(pod["metadata"]["name"]), environment, lines=LOG_LINES).splitlines()
        except KubernetesApiError as error:
            lines.append(f"no log of {pod['metadata']['name']}: {error}")
    return lines


def _exit_code(pod: KubernetesObject) -> int:
    """The exit code of a pod's container, 0 if it has not ended."""
    status: dict[str, Any] = pod.get("status") or {}
    containers: list[dict[str, Any]] = status.get("containerStatuses") or []
    ended: list[dict[str, Any]] = [one.get("state", {}).get("terminated") or {} for one in containers]
    return max((int(one.get("exitCode") or 0) for one in ended), default=0)
