"""How a service stands: what the API server has of it, as plain values."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from contract import labels
from contract.blue_green import DEPENDS_ON, EXCLUSIVE, PORT_NAME, SENTINEL_DIGEST, SLOTS, SMOKE_TEST, preview, slot_name
from kube.client import KubernetesObject
from release import history, slots, verification
from release.errors import ReleaseError
from release.history import Revision
from release.http import Target
from release.objects import ObjectApi
from release.state import ServiceState, Slot, SmokeTest, Trouble

OVER = ("Succeeded", "Failed")
"""Phases of pods that hold no room any more."""

HARMLESS = ("ContainerCreating", "PodInitializing")
"""Reasons to wait that are none to worry about."""


def observe(api: ObjectApi, environment: str, service: str, *, now: datetime) -> ServiceState:
    """Looks at everything that a release of a service depends on.

    Args:
        api: The API server.
        environment: The namespace, `dev` or `prod`.
        service: The service.
        now: The time.

    Raises:
        ReleaseError: There is no such service, or a part of it is missing.
        KubernetesApiError: The API server refused.
    """
    label = f"{labels.SERVICE}={service}"
    template = api.get("v1", "PodTemplate", service, environment)
    if template is None:
        raise _no_service(api, environment, service)
    deployments = _named(api.list("apps/v1", "Deployment", namespace=environment, label_selector=label))
    services = _named(api.list("v1", "Service", namespace=environment, label_selector=label))
    pods = api.list("v1", "Pod", namespace=environment, label_selector=label)
    slices = api.list(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        namespace=environment,
        label_selector=f"kubernetes.io/service-name in ({service},{preview(service)})",
    )
    autoscaler = api.get("autoscaling/v2", "HorizontalPodAutoscaler", service, environment)
    releases = api.get("v1", "ConfigMap", history.name(service), environment)
    for wanted, found in (
        *((f"Deployment {slot_name(service, slot)}", deployments.get(slot_name(service, slot))) for slot in SLOTS),
        *((f"Service {name}", services.get(name)) for name in (service, preview(service))),
        (f"HorizontalPodAutoscaler {service}", autoscaler),
    ):
        if found is None:
            raise ReleaseError(
                f"{wanted} is not in {environment}: somebody deleted it",
                remedy="`pulumi refresh` and `pulumi up` make it again",
            )
    assert autoscaler is not None  # noqa: S101 - told above
    containers = {str(one["name"]) for one in slots.containers_to_fill(template)}
    of_slot = {str(pod["metadata"]["name"]): str(pod["metadata"]["labels"].get(labels.SLOT, "")) for pod in pods}
    blue, green = (
        _slot(
            slot,
            deployments[slot_name(service, slot)],
            [pod for pod in pods if pod["metadata"]["labels"].get(labels.SLOT) == slot],
            containers,
        )
        for slot in SLOTS
    )
    annotations: Mapping[str, str] = template["metadata"].get("annotations") or {}
    image = str(slots.containers_to_fill(template)[0]["image"])
    return ServiceState(
        environment=environment,
        service=service,
        blue=blue,
        green=green,
        live=str(services[service]["spec"]["selector"][labels.SLOT]),
        preview=str(services[preview(service)]["spec"]["selector"][labels.SLOT]),
        autoscaled=str(autoscaler["spec"]["scaleTargetRef"]["name"]).removeprefix(f"{service}-"),
        minimum=int(autoscaler["spec"].get("minReplicas", 1)),
        maximum=int(autoscaler["spec"]["maxReplicas"]),
        active_endpoints=_endpoints(slices, service, of_slot),
        preview_endpoints=_endpoints(slices, preview(service), of_slot),
        repository=image.removesuffix(f"@{SENTINEL_DIGEST}"),
        template=slots.template_hash(template),
        configuration=_configuration(template["template"]["spec"]),
        exclusive=annotations.get(EXCLUSIVE) == "true",
        depends_on=tuple(json.loads(annotations.get(DEPENDS_ON, "[]"))),
        active_target=_target(services[service]),
        preview_target=_target(services[preview(service)]),
        smoke_test=smoke_test(annotations.get(SMOKE_TEST), template["template"]["spec"]),
        start_seconds=_start_seconds(template["template"]["spec"]),
        history=history.parse(releases),
        verified=verification.verified(api, environment, service),
        now=now,
        versions=frozenset(
            (str(one["kind"]), str(one["metadata"]["name"]), str(one["metadata"]["resourceVersion"]))
            for one in (*deployments.values(), *slices)
        ),
        uid=str(services[service]["metadata"]["uid"]),
    )


def services(api: ObjectApi, environment: str) -> list[str]:
    """The services of an environment, by name."""
    found = api.list("v1", "PodTemplate", namespace=environment, label_selector=labels.SERVICE)
    return sorted(str(one["metadata"]["name"]) for one in found)


def _no_service(api: ObjectApi, environment: str, service: str) -> ReleaseError:
    known = services(api, environment)
    return ReleaseError(
        f"there is no service {service} in {environment}: no PodTemplate of this name",
        remedy=f"name one of {', '.join(known)}" if known else f"is {environment} an environment of this cluster?",
    )


def _named(found: Iterable[KubernetesObject]) -> dict[str, KubernetesObject]:
    return {str(one["metadata"]["name"]): one for one in found}


def _target(service: KubernetesObject) -> Target:
    metadata: Mapping[str, Any] = service["metadata"]
    namespace, name = str(metadata["namespace"]), str(metadata["name"])
    for port in _list(service["spec"], "ports"):
        if port.get("name") == PORT_NAME:
            return Target(namespace, name, int(port["port"]), PORT_NAME)
    raise ReleaseError(
        f"Service {name} in {namespace} has no port of the name {PORT_NAME}: nobody knows where to ask it",
        remedy="`pulumi refresh` and `pulumi up` write it again",
    )


def _slot(name: str, deployment: KubernetesObject, pods: list[KubernetesObject], containers: set[str]) -> Slot:
    spec: dict[str, Any] = deployment["spec"]
    status: dict[str, Any] = deployment.get("status") or {}
    wanted = int(spec.get("replicas", 1))
    here = [pod for pod in pods if pod.get("status", {}).get("phase") not in OVER]
    revision = _revision(spec["template"], containers)
    return Slot(
        name=name,
        revision=revision,
        wanted=wanted,
        ready=int(status.get("readyReplicas", 0)),
        pods=len(here),
        settled=int(status.get("observedGeneration", 0)) >= int(deployment["metadata"]["generation"])
        and status.get("replicas", 0) == status.get("updatedReplicas", 0),
        troubles=tuple(dict.fromkeys([*_refused_pods(status), *(told for pod in here for told in _troubles(pod))])),
        configuration=_configuration(spec["template"]["spec"]) if revision else (),
        resource_version=str(deployment["metadata"]["resourceVersion"]),
    )


def _revision(template: dict[str, Any], containers: set[str]) -> Revision | None:
    images = [str(one["image"]) for one in template["spec"]["containers"] if one["name"] in containers]
    if not images or images[0].endswith(SENTINEL_DIGEST):
        return None
    annotations: Mapping[str, str] = template.get("metadata", {}).get("annotations") or {}
    return Revision(images[0], annotations.get(slots.TEMPLATE_HASH))


def _refused_pods(status: Mapping[str, Any]) -> list[Trouble]:
    """Pods that could not even be made: a quota, or Pod Security."""
    return [
        Trouble(str(condition.get("reason", "ReplicaFailure")), str(condition.get("message", "")))
        for condition in _list(status, "conditions")
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True"
    ]


def _troubles(pod: KubernetesObject) -> list[Trouble]:
    if "deletionTimestamp" in pod["metadata"]:
        return []
    status: Mapping[str, Any] = pod.get("status") or {}
    found = [
        Trouble(str(condition["reason"]), str(condition.get("message", "")))
        for condition in _list(status, "conditions")
        if condition["type"] == "PodScheduled" and condition["status"] == "False" and condition.get("reason")
    ]
    for container in [*_list(status, "initContainerStatuses"), *_list(status, "containerStatuses")]:
        waiting: Mapping[str, Any] = container.get("state", {}).get("waiting") or {}
        reason = str(waiting.get("reason", ""))
        if reason and reason not in HARMLESS:
            found.append(Trouble(reason, str(waiting.get("message", ""))))
    return found


def _endpoints(slices: Iterable[KubernetesObject], service: str, of_slot: Mapping[str, str]) -> dict[str, int]:
    """Ready endpoints of each slot; those of pods that nobody lists any more under ""."""
    counts: Counter[str] = Counter()
    for one in slices:
        if one["metadata"]["labels"]["kubernetes.io/service-name"] != service:
            continue
        for endpoint in _list(one, "endpoints"):
            if endpoint.get("conditions", {}).get("ready", True):
                pod: Mapping[str, Any] = endpoint.get("targetRef") or {}
                counts[of_slot.get(str(pod.get("name")), "")] += 1
    return dict(counts)


def _configuration(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """The ConfigMaps and Secrets that a pod's containers read their environment from."""
    sources = [source for one in spec["containers"] for source in _list(one, "envFrom")]
    names = {str(reference["name"]) for source in sources for key, reference in source.items() if key.endswith("Ref")}
    return tuple(sorted(names))


def smoke_test(annotation: str | None, spec: Mapping[str, Any]) -> SmokeTest:
    """How a version is tried.

    Args:
        annotation: What the PodTemplate says under `SMOKE_TEST`, if anything.
        spec: Of its pod: a path that is not given is that of the readiness probe.
    """
    given: dict[str, Any] = json.loads(annotation or "{}")
    probe: Mapping[str, Any] = spec["containers"][0].get("readinessProbe") or {}
    path = given.get("path") or probe.get("httpGet", {}).get("path", "/")
    default = SmokeTest(path)
    return SmokeTest(
        path=path,
        status=given.get("status", default.status),
        contains=given.get("contains"),
        tries=given.get("tries", default.tries),
        deadline_seconds=given.get("deadlineSeconds", default.deadline_seconds),
    )


def _start_seconds(spec: Mapping[str, Any]) -> float:
    probe: Mapping[str, Any] | None = spec["containers"][0].get("startupProbe")
    if not probe:
        return 0
    return probe.get("initialDelaySeconds", 0) + probe["failureThreshold"] * probe["periodSeconds"]


def _list(value: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """What stands under a key; the API server leaves an empty list out, or says null."""
    found: list[dict[str, Any]] | None = value.get(key)
    return found or []
