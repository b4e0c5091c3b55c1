"""The state of a service, read from the API server."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from datetime import datetime
from typing import Any, TypeVar

from contract import labels
from contract.blue_green import (
    ANALYSIS,
    CANARY,
    DASHBOARD,
    DEPENDS_ON,
    EXCLUSIVE,
    HOOKS,
    PORT_NAME,
    PREVIEW_REPLICAS,
    SENTINEL_DIGEST,
    SLOTS,
    SMOKE_TEST,
    history_name,
    preview_service_name,
    slot_name,
)
from kube.client import KubernetesObject, has_condition
from release import forward, history, slots, verification
from release.analysis.settings import parse as parse_analysis
from release.errors import ReleaseError
from release.history import Entry, Revision
from release.hooks import jobs
from release.hooks.values import Job, hooks
from release.http import Target
from release.objects import ObjectReader
from release.state import Canary, ForwardAction, Pod, ServiceState, Slot, SmokeTest, Trouble, live_slot, other
from release.threads import start

T = TypeVar("T")

TERMINAL_PHASES = ("Succeeded", "Failed")
"""Phases of pods that take no room on a node any more."""

NORMAL_REASONS = ("ContainerCreating", "PodInitializing")
"""Reasons of a waiting container that are no trouble."""


def observe(
    api: ObjectReader, environment: str, service: str, *, now: datetime, every_pod: bool = True
) -> ServiceState:
    """Reads everything that a release of a service depends on.

    Args:
        api: The API server.
        environment: The namespace, `dev` or `prod`.
        service: The service.
        now: The current time.
        every_pod: Whether pods are read whose Deployment says already that all are there and ready. A hundred pods are
            most of a look's time.

    Raises:
        ReleaseError: There is no such service, or one of its objects is missing.
        KubernetesApiError: The API server refused.
    """
    label = f"{labels.SERVICE}={service}"
    names = f"kubernetes.io/service-name in ({service},{preview_service_name(service)})"

    def get(api_version: str, kind: str, name: str) -> Future[KubernetesObject | None]:
        return _ask(api, lambda: api.get(api_version, kind, name, environment))

    def list_(api_version: str, kind: str, selector: str = label) -> Future[list[KubernetesObject]]:
        return _ask(api, lambda: api.list(api_version, kind, namespace=environment, label_selector=selector))

    # The largest first; a run's look asks for pods last, if at all.
    asked_pods = list_("v1", "Pod") if every_pod else None
    asked_slices = list_("discovery.k8s.io/v1", "EndpointSlice", names)
    asked_deployments, asked_services = list_("apps/v1", "Deployment"), list_("v1", "Service")
    asked_template = get("v1", "PodTemplate", service)
    asked_autoscaler = get("autoscaling/v2", "HorizontalPodAutoscaler", service)
    asked_releases = get("v1", "ConfigMap", history_name(service))
    asked_verified = _ask(api, lambda: verification.verified(api, environment, service))

    template = asked_template.result()
    if template is None:
        raise _no_service(api, environment, service)
    by_name, services = _by_name(asked_deployments.result()), _by_name(asked_services.result())
    deployments = {slot: by_name.get(slot_name(service, slot)) for slot in SLOTS}
    autoscaler, releases = asked_autoscaler.result(), asked_releases.result()
    entries = history.parse(releases)
    if asked_pods is None and any(entry.hooks for entry in entries):
        asked_pods = list_("v1", "Pod")
    unread = () if asked_pods else tuple(slot for slot in SLOTS if _is_settled(deployments[slot]))
    if asked_pods is None and len(unread) < len(SLOTS):
        asked_pods = list_("v1", "Pod", f"{label},{labels.SLOT} notin ({','.join(unread)})" if unread else label)
    pods, slices = asked_pods.result() if asked_pods else [], asked_slices.result()
    active, preview = services.get(service), services.get(preview_service_name(service))
    if active is None:
        raise _deleted(f"Service {service}", environment)
    wanted = {f"Deployment {slot_name(service, slot)}": deployments[slot] for slot in SLOTS}
    wanted |= {f"Service {preview_service_name(service)}": preview, f"HorizontalPodAutoscaler {service}": autoscaler}
    missing = tuple(name for name, body in wanted.items() if body is None)
    containers = {str(container["name"]) for container in slots.containers_to_fill(template)}
    blue, green = (
        _slot(
            slot,
            deployments[slot],
            None if slot in unread else [pod for pod in pods if pod["metadata"]["labels"].get(labels.SLOT) == slot],
            containers,
        )
        for slot in SLOTS
    )
    annotations: Mapping[str, str] = template["metadata"].get("annotations") or {}
    image = str(slots.containers_to_fill(template)[0]["image"])
    selected = _selected(active)
    uid = str(active["metadata"]["uid"])
    canary = _canary(annotations.get(CANARY))
    ingresses = api.list("networking.k8s.io/v1", "Ingress", namespace=environment) if canary else []
    action = forward.find(ingresses, service)
    weights, bad_action = _weights(action, service)
    live = live_slot(selected, uid, blue, green, entries)
    target = str(autoscaler["spec"]["scaleTargetRef"]["name"]) if autoscaler else slot_name(service, live)
    return ServiceState(
        environment=environment,
        service=service,
        blue=blue,
        green=green,
        live=live,
        is_selected=selected == live,
        selected=selected,
        preview=str(_selected(preview)) if preview else other(live),
        autoscaled=target.removeprefix(f"{service}-"),
        target=target,
        minimum=int(autoscaler["spec"].get("minReplicas", 1)) if autoscaler else 1,
        maximum=int(autoscaler["spec"]["maxReplicas"]) if autoscaler else max(1, blue.desired, green.desired),
        active_endpoints=_endpoints(slices, service, service),
        preview_endpoints=_endpoints(slices, preview_service_name(service), service),
        repository=image.removesuffix(f"@{SENTINEL_DIGEST}"),
        template=slots.template_hash(template),
        configuration=slots.configuration(template["template"]["spec"]),
        ports=frozenset(
            port
            for spec in (
                template["template"]["spec"],
                *(deployment["spec"]["template"]["spec"] for deployment in deployments.values() if deployment),
                *(pod["spec"] for pod in pods),
            )
            for port in slots.ports(spec)
        ),
        exclusive=annotations.get(EXCLUSIVE) == "true",
        depends_on=tuple(json.loads(annotations.get(DEPENDS_ON, "[]"))),
        active_target=_target(active),
        preview_target=_target(preview or active),
        smoke_test=smoke_test(annotations.get(SMOKE_TEST), template["template"]["spec"]),
        start_seconds=_start_seconds(template["template"]["spec"]),
        history=entries,
        verified=asked_verified.result(),
        now=now,
        versions=frozenset(
            (str(body["kind"]), str(body["metadata"]["name"]), str(body["metadata"]["resourceVersion"]))
            for body in (*deployments.values(), *slices)
            if body
        ),
        uid=uid,
        dashboard=annotations.get(DASHBOARD, ""),
        missing=missing,
        anomalies=(*history.problems(releases), *bad_action),
        canary=canary,
        weights=weights,
        action=action,
        analysis=parse_analysis(annotations.get(ANALYSIS)),
        hooks=hooks(annotations.get(HOOKS)),
        preview_replicas=int(annotations[PREVIEW_REPLICAS]) if PREVIEW_REPLICAS in annotations else None,
        jobs=_jobs(api, environment, service, pods, entries),
    )


def _ask(api: ObjectReader, question: Callable[[], T]) -> Future[T]:
    """The answer of the API server: asked on a thread of its own, if that gains time."""
    if api.is_concurrent:
        return start(lambda _: question(), None)
    answer: Future[T] = Future()
    answer.set_result(question())
    return answer


def _jobs(
    api: ObjectReader, environment: str, service: str, pods: list[KubernetesObject], entries: Iterable[Entry]
) -> dict[str, Job]:
    """The Jobs of a service's hooks by name, if a release in its history has some: else the right is not needed."""
    if not any(entry.hooks for entry in entries):
        return {}
    found = jobs.read(api, environment, service, pods)
    troubles = {name: (str(one) for pod in body["pods"] for one in troubles_of(pod)) for name, body in found.items()}
    return {name: jobs.job(body, tuple(troubles[name])) for name, body in found.items()}


def _selected(service: KubernetesObject) -> str | None:
    selector: Mapping[str, str] = service["spec"].get("selector") or {}
    return selector.get(labels.SLOT)


def _deleted(name: str, environment: str) -> ReleaseError:
    return ReleaseError(
        f"{name} is not in {environment}: somebody deleted it",
        remedy="`pulumi refresh` and `pulumi up` create it again",
    )


def services(api: ObjectReader, environment: str) -> list[str]:
    """The sorted names of the services of an environment."""
    templates = api.list("v1", "PodTemplate", namespace=environment, label_selector=labels.SERVICE)
    return sorted(str(template["metadata"]["name"]) for template in templates)


def _no_service(api: ObjectReader, environment: str, service: str) -> ReleaseError:
    known = services(api, environment)
    return ReleaseError(
        f"there is no service {service} in {environment}: no PodTemplate of this name",
        remedy=f"name one of {', '.join(known)}" if known else f"is {environment} an environment of this cluster?",
    )


def _by_name(bodies: Iterable[KubernetesObject]) -> dict[str, KubernetesObject]:
    return {str(body["metadata"]["name"]): body for body in bodies}


def _target(service: KubernetesObject) -> Target:
    metadata: Mapping[str, Any] = service["metadata"]
    namespace, name = str(metadata["namespace"]), str(metadata["name"])
    for port in _list(service["spec"], "ports"):
        if port.get("name") == PORT_NAME:
            return Target(namespace, name, int(port["port"]), PORT_NAME)
    raise ReleaseError(
        f"Service {name} in {namespace} has no port named {PORT_NAME}",
        remedy="`pulumi refresh` and `pulumi up` restore it",
    )


def _is_settled(deployment: KubernetesObject | None) -> bool:
    """Whether nothing can be read of a Deployment's pods but that there are as many as wanted, and all are ready."""
    if deployment is None:
        return True
    wanted = int(deployment["spec"].get("replicas", 1))
    status: dict[str, Any] = deployment.get("status") or {}
    counts = {int(status.get(key, 0)) for key in ("replicas", "updatedReplicas", "readyReplicas")}
    is_observed = int(status.get("observedGeneration", 0)) >= int(deployment["metadata"]["generation"])
    return wanted > 0 and is_observed and counts == {wanted}


def _slot(
    name: str, deployment: KubernetesObject | None, pods: list[KubernetesObject] | None, containers: set[str]
) -> Slot:
    """A slot; without its pods those of a Deployment that is settled."""
    if deployment is None:
        return Slot(name)
    spec: dict[str, Any] = deployment["spec"]
    status: dict[str, Any] = deployment.get("status") or {}
    existing = [pod for pod in pods or () if pod.get("status", {}).get("phase") not in TERMINAL_PHASES]
    revision = _revision(spec["template"], containers)
    ready, least = int(status.get("readyReplicas", 0)), int(spec.get("minReadySeconds", 0))
    return Slot(
        name=name,
        revision=revision,
        desired=int(spec.get("replicas", 1)),
        ready=ready,
        recent=ready - int(status.get("availableReplicas", 0)) if least else 0,
        min_ready_seconds=least,
        pods=ready if pods is None else len(existing),
        is_rolled_out=int(status.get("observedGeneration", 0)) >= int(deployment["metadata"]["generation"])
        and status.get("replicas", 0) == status.get("updatedReplicas", 0),
        troubles=tuple(
            dict.fromkeys([*_rejected_pods(status), *(trouble for pod in existing for trouble in troubles_of(pod))])
        ),
        configuration=slots.configuration(spec["template"]["spec"]) if revision else (),
        resource_version=str(deployment["metadata"]["resourceVersion"]),
        members=tuple(_pod(pod) for pod in existing if "deletionTimestamp" not in pod["metadata"]),
    )


def _pod(pod: KubernetesObject) -> Pod:
    status: dict[str, Any] = pod.get("status") or {}
    stopped: list[dict[str, Any]] = [
        container.get(state, {}).get("terminated") or {}
        for container in _list(status, "containerStatuses")
        for state in ("state", "lastState")
    ]
    times = [datetime.fromisoformat(str(one["finishedAt"])) for one in stopped if one.get("finishedAt")]
    return Pod(
        created=datetime.fromisoformat(str(pod["metadata"]["creationTimestamp"])),
        is_ready=has_condition(pod, "Ready"),
        stopped=max(times, default=None),
    )


def _revision(template: dict[str, Any], containers: set[str]) -> Revision | None:
    images = [str(one["image"]) for one in template["spec"]["containers"] if one["name"] in containers]
    if not images or images[0].endswith(SENTINEL_DIGEST):
        return None
    annotations: Mapping[str, str] = template.get("metadata", {}).get("annotations") or {}
    return Revision(images[0], annotations.get(slots.TEMPLATE_HASH))


def _rejected_pods(status: Mapping[str, Any]) -> list[Trouble]:
    """Troubles of pods that could not be created, e.g. by a quota or Pod Security admission."""
    return [
        Trouble(str(condition.get("reason", "ReplicaFailure")), str(condition.get("message", "")))
        for condition in _list(status, "conditions")
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True"
    ]


def troubles_of(pod: KubernetesObject) -> list[Trouble]:
    """Why a pod is not ready, as its status says; nothing of one that is to go."""
    if "deletionTimestamp" in pod["metadata"]:
        return []
    status: Mapping[str, Any] = pod.get("status") or {}
    troubles = [
        Trouble(str(condition["reason"]), str(condition.get("message", "")))
        for condition in _list(status, "conditions")
        if condition["type"] == "PodScheduled" and condition["status"] == "False" and condition.get("reason")
    ]
    for container in [*_list(status, "initContainerStatuses"), *_list(status, "containerStatuses")]:
        waiting: Mapping[str, Any] = container.get("state", {}).get("waiting") or {}
        reason = str(waiting.get("reason", ""))
        if reason and reason not in NORMAL_REASONS:
            troubles.append(Trouble(reason, str(waiting.get("message", ""))))
    return troubles


def _endpoints(slices: Iterable[KubernetesObject], name: str, service: str) -> dict[str, int]:
    """Number of ready endpoints of a Service by slot, those of pods of neither Deployment under ""."""
    prefixes = {slot: f"{slot_name(service, slot)}-" for slot in SLOTS}
    counts: Counter[str] = Counter()
    for endpoint_slice in slices:
        if endpoint_slice["metadata"]["labels"]["kubernetes.io/service-name"] != name:
            continue
        for endpoint in _list(endpoint_slice, "endpoints"):
            if endpoint.get("conditions", {}).get("ready", True):
                pod: Mapping[str, Any] = endpoint.get("targetRef") or {}
                found = str(pod.get("name"))
                counts[next((slot for slot, prefix in prefixes.items() if found.startswith(prefix)), "")] += 1
    return dict(counts)


def smoke_test(annotation: str | None, spec: Mapping[str, Any]) -> SmokeTest:
    """The smoke test of a service.

    Args:
        annotation: The PodTemplate's annotation `SMOKE_TEST`, if any.
        spec: The pod's spec: the default path is that of the readiness probe.
    """
    settings: dict[str, Any] = json.loads(annotation or "{}")
    probe: Mapping[str, Any] = spec["containers"][0].get("readinessProbe") or {}
    path = settings.get("path") or probe.get("httpGet", {}).get("path", "/")
    default = SmokeTest(path)
    return SmokeTest(
        path=path,
        status=settings.get("status", default.status),
        contains=settings.get("contains"),
        tries=settings.get("tries", default.tries),
        deadline_seconds=settings.get("deadlineSeconds", default.deadline_seconds),
    )


def _canary(annotation: str | None) -> Canary | None:
    if annotation is None:
        return None
    settings: dict[str, Any] = json.loads(annotation)
    return Canary(tuple(int(weight) for weight in settings["steps"]), float(settings["secondsPerStep"]))


def _weights(action: ForwardAction | None, service: str) -> tuple[dict[str, int] | None, list[str]]:
    """The weights of a forward action, and what is wrong with it."""
    if action is None:
        return None, []
    try:
        return forward.weights(action, service), []
    except ValueError as error:
        return None, [f"annotation {action.annotation} of Ingress {action.ingress} cannot be read: {error}"]


def _start_seconds(spec: Mapping[str, Any]) -> float:
    probe: Mapping[str, Any] | None = spec["containers"][0].get("startupProbe")
    if not probe:
        return 0
    return probe.get("initialDelaySeconds", 0) + probe["failureThreshold"] * probe["periodSeconds"]


def _list(value: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """The list at a key; the API server leaves an empty list out, or writes null."""
    items: list[dict[str, Any]] | None = value.get(key)
    return items or []
