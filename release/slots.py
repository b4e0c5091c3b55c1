"""What a slot is given when an image is brought into it."""

from __future__ import annotations

import copy
from typing import Any

from components import labels
from components.contract import RELEASE_MANAGER, SENTINEL_DIGEST
from release.kubernetes_api import KubernetesApi, KubernetesObject


def render(pod_template: KubernetesObject, *, slot: str, image: str, replicas: int) -> KubernetesObject:
    """A slot's Deployment, as far as the release tool writes it.

    Args:
        pod_template: The service's PodTemplate, as the API server has it.
        slot: `blue` or `green`.
        image: The image by digest, `REPOSITORY@sha256:…`.
        replicas: Number of pods.

    Raises:
        ValueError: No container of the template has the sentinel image, or `image` is no digest or the sentinel's.
    """
    if "@sha256:" not in image or image.endswith(SENTINEL_DIGEST):
        raise ValueError(f"{image} is not an image by digest, REPOSITORY@sha256:…")
    metadata: dict[str, Any] = pod_template["metadata"]
    service = str(metadata["name"])
    template: dict[str, Any] = copy.deepcopy(pod_template["template"])
    containers = [one for one in template["spec"]["containers"] if str(one["image"]).endswith(SENTINEL_DIGEST)]
    if not containers:
        raise ValueError(f"PodTemplate {service} in {metadata['namespace']} has no container with the sentinel image")
    for container in containers:
        container["image"] = image
    template["metadata"] = {
        "labels": {**template["metadata"]["labels"], labels.SLOT: slot},
        "annotations": template["metadata"].get("annotations") or {},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"{service}-{slot}", "namespace": metadata["namespace"]},
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


def bring_in(api: KubernetesApi, deployment: KubernetesObject) -> KubernetesObject:
    """Applies a rendered slot. The program seeded these fields and ignores them since: they are taken from it."""
    return api.apply(deployment, field_manager=RELEASE_MANAGER, force=True)
