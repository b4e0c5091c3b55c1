"""What a slot is given when an image is brought into it."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from typing import Any

from contract import labels
from contract.blue_green import OVERRIDE, RELEASE_MANAGER, SENTINEL_DIGEST, slot_name
from kube.client import KubernetesApi, KubernetesObject

TEMPLATE_HASH = "hello-platform/template-hash"
"""Annotation of a slot's pods: which PodTemplate they were rendered from. The API server's defaults would hide it."""

_IMAGE = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}")


def template_hash(pod_template: KubernetesObject) -> str:
    """A short text that changes with the desired pod."""
    template = copy.deepcopy(pod_template["template"])
    template.get("metadata", {}).pop("creationTimestamp", None)
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]


def containers_to_fill(pod_template: KubernetesObject) -> list[dict[str, Any]]:
    """The containers whose image is the sentinel: the service's own.

    Raises:
        ValueError: There is none.
    """
    containers = pod_template["template"]["spec"]["containers"]
    found = [one for one in containers if str(one["image"]).endswith(SENTINEL_DIGEST)]
    if not found:
        metadata = pod_template["metadata"]
        raise ValueError(
            f"PodTemplate {metadata['name']} in {metadata['namespace']} has no container with the sentinel image"
        )
    return found


def is_image(text: str) -> bool:
    """Whether this names an image by digest."""
    return _IMAGE.fullmatch(text) is not None and not text.endswith(SENTINEL_DIGEST)


def render(
    pod_template: KubernetesObject, *, slot: str, image: str, replicas: int, override: str | None = None
) -> KubernetesObject:
    """A slot's Deployment, as far as the release tool writes it.

    Args:
        pod_template: The service's PodTemplate, as the API server has it.
        slot: `blue` or `green`.
        image: The image by digest, `REPOSITORY@sha256:…`.
        replicas: Number of pods.
        override: Why an unverified image is let in; admission asks whether the caller may say so.

    Raises:
        ValueError: No container of the template has the sentinel image, or `image` is no digest or the sentinel's.
    """
    if not is_image(image):
        raise ValueError(f"{image} is not an image by digest, REPOSITORY@sha256:…")
    metadata: dict[str, Any] = pod_template["metadata"]
    service = str(metadata["name"])
    filled = copy.deepcopy(pod_template)
    for container in containers_to_fill(filled):
        container["image"] = image
    template: dict[str, Any] = filled["template"]
    annotations: dict[str, str] = template["metadata"].get("annotations") or {}
    template["metadata"] = {
        "labels": {**template["metadata"]["labels"], labels.SLOT: slot},
        "annotations": {
            **annotations,
            TEMPLATE_HASH: template_hash(pod_template),
            **({OVERRIDE: override} if override else {}),
        },
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": slot_name(service, slot), "namespace": metadata["namespace"]},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {labels.SERVICE: service, labels.SLOT: slot}},
            "template": template,
        },
    }


def is_released(deployment: KubernetesObject) -> bool:
    """Whether a slot ever got an image."""
    containers = deployment["spec"]["template"]["spec"]["containers"]
    return not any(str(container["image"]).endswith(SENTINEL_DIGEST) for container in containers)


def apply_template(api: KubernetesApi, deployment: KubernetesObject) -> KubernetesObject:
    """Applies a rendered slot. The program seeded these fields and ignores them since: they are taken from it."""
    return api.apply(deployment, field_manager=RELEASE_MANAGER, force=True)
