"""The Deployment of a slot, rendered from the service's PodTemplate and an image."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from contract import labels
from contract.blue_green import KEPT_TEMPLATES, MIN_READY_SECONDS, OVERRIDE, RELEASE_MANAGER, SENTINEL_DIGEST, slot_name
from kube.client import KubernetesApi, KubernetesObject

TEMPLATE_HASH = "hello-platform/template-hash"
"""Annotation of a slot's pods: hash of the PodTemplate they were rendered from.

The pods' own template cannot be compared with it: the API server adds defaults.
"""

RENDERING = "2"
"""Part of the hash: another one when a slot is rendered differently. Slots of before 2 may have fields that their
PodTemplate dropped; they count as older than it, and the next deploy replaces them."""

REPLICA_SET = "pod-template-hash"
"""Label that Kubernetes adds to the pods of a ReplicaSet of a Deployment.

https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#pod-template-hash-label
"""

_IMAGE = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}")


def template_hash(pod_template: KubernetesObject) -> str:
    """A hash of the pod that a PodTemplate describes."""
    template: dict[str, Any] = pod_template["template"]
    if "metadata" in template:
        metadata = {key: value for key, value in template["metadata"].items() if key != "creationTimestamp"}
        template = {**template, "metadata": metadata}
    return hashlib.sha256(json.dumps([RENDERING, template], sort_keys=True).encode()).hexdigest()[:10]


def without_hash(template: dict[str, Any]) -> dict[str, Any]:
    """A rendered pod template without the annotation that says of which PodTemplate it is."""
    annotations = {key: value for key, value in template["metadata"]["annotations"].items() if key != TEMPLATE_HASH}
    return {**template, "metadata": {**template["metadata"], "annotations": annotations}}


def containers_to_fill(pod_template: KubernetesObject) -> list[dict[str, Any]]:
    """The service's own containers, whose image in the PodTemplate is the sentinel.

    Raises:
        ValueError: There is no such container.
    """
    containers = pod_template["template"]["spec"]["containers"]
    own = [container for container in containers if str(container["image"]).endswith(SENTINEL_DIGEST)]
    if not own:
        metadata = pod_template["metadata"]
        raise ValueError(
            f"PodTemplate {metadata['name']} in {metadata['namespace']} has no container with the sentinel image"
        )
    return own


def is_image(text: str) -> bool:
    """Whether a text is an image by digest, and not the sentinel."""
    return _IMAGE.fullmatch(text) is not None and not text.endswith(SENTINEL_DIGEST)


def render(
    pod_template: KubernetesObject, *, slot: str, image: str, replicas: int, override: str | None = None
) -> KubernetesObject:
    """The fields of a slot's Deployment that the release tool manages.

    Args:
        pod_template: The service's PodTemplate, as read from the API server.
        slot: `blue` or `green`.
        image: Image by digest, `REPOSITORY@sha256:…`.
        replicas: Number of pods.
        override: Reason for letting an unverified image in; admission checks whether the caller has the right to.

    Raises:
        ValueError: No container of the template has the sentinel image, or `image` is no image by digest.
    """
    if not is_image(image):
        raise ValueError(f"{image} is not an image by digest, REPOSITORY@sha256:…")
    filled = copy.deepcopy(pod_template)
    for container in containers_to_fill(filled):
        container["image"] = image
    template: dict[str, Any] = filled["template"]
    template["metadata"]["annotations"] = {
        **(template["metadata"].get("annotations") or {}),
        TEMPLATE_HASH: template_hash(pod_template),
    }
    return deployment(pod_template, template, slot=slot, replicas=replicas, override=override)


def deployment(
    pod_template: KubernetesObject,
    template: dict[str, Any],
    *,
    slot: str,
    replicas: int,
    override: str | None = None,
) -> KubernetesObject:
    """The fields of a slot's Deployment, with a pod template that has its image and its hash.

    Args:
        pod_template: The service's PodTemplate as it is now.
        template: The pod template, rendered from it, or kept in a ReplicaSet.
        slot: `blue` or `green`.
        replicas: Number of pods.
        override: As of `render`.
    """
    metadata: dict[str, Any] = pod_template["metadata"]
    service = str(metadata["name"])
    settings: dict[str, str] = metadata.get("annotations") or {}
    kept: dict[str, str] = {key: one for key, one in template["metadata"]["annotations"].items() if key != OVERRIDE}
    own: dict[str, str] = {key: one for key, one in template["metadata"]["labels"].items() if key != REPLICA_SET}
    pod = {
        "labels": {**own, labels.SLOT: slot},
        "annotations": {**kept, **({OVERRIDE: override} if override else {})},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": slot_name(service, slot), "namespace": metadata["namespace"]},
        "spec": {
            "replicas": replicas,
            "minReadySeconds": int(settings.get(MIN_READY_SECONDS, 0)),
            "revisionHistoryLimit": KEPT_TEMPLATES,
            "selector": {"matchLabels": {labels.SERVICE: service, labels.SLOT: slot}},
            "template": {**template, "metadata": pod},
        },
    }


def ports(spec: Mapping[str, Any]) -> list[int]:
    """Ports of a pod's containers."""
    return [int(port["containerPort"]) for container in spec["containers"] for port in _list(container, "ports")]


def configuration(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the ConfigMaps and Secrets in the `envFrom` of a pod's containers."""
    sources = [source for container in spec["containers"] for source in _list(container, "envFrom")]
    names = {str(reference["name"]) for source in sources for key, reference in source.items() if key.endswith("Ref")}
    return tuple(sorted(names))


def _list(value: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] | None = value.get(key)
    return items or []


def is_released(deployment: KubernetesObject) -> bool:
    """Whether a slot has ever got an image."""
    containers = deployment["spec"]["template"]["spec"]["containers"]
    return not any(str(container["image"]).endswith(SENTINEL_DIGEST) for container in containers)


def apply_template(api: KubernetesApi, deployment: KubernetesObject) -> KubernetesObject:
    """Applies a rendered slot, and takes its fields over from the Pulumi program, which wrote and now ignores them."""
    return api.apply(deployment, field_manager=RELEASE_MANAGER, force=True)
