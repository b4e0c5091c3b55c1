"""A slot gets the PodTemplate with an image, its label and nothing else."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.blue_green import OVERRIDE, SENTINEL_DIGEST, SLOTS
from kube.client import KubernetesObject
from release.slots import TEMPLATE_HASH, is_released, render, template_hash

IMAGE = "registry.example.com/api@sha256:" + 64 * "a"
SIDECAR = "registry.example.com/proxy@sha256:" + 64 * "b"

POD_TEMPLATE: KubernetesObject = {
    "apiVersion": "v1",
    "kind": "PodTemplate",
    "metadata": {"name": "api", "namespace": "prod", "uid": "1", "resourceVersion": "7", "managedFields": []},
    "template": {
        "metadata": {
            "creationTimestamp": None,
            "labels": {"environment": "prod", "app.kubernetes.io/name": "api"},
            "annotations": {"note": "kept"},
        },
        "spec": {
            "containers": [
                {"name": "api", "image": f"registry.example.com/api@{SENTINEL_DIGEST}", "env": [{"name": "A"}]},
                {"name": "proxy", "image": SIDECAR},
            ],
            "tolerations": [{"key": "environment", "value": "prod"}],
        },
    },
}


def rendered(*, slot: str = "green", image: str = IMAGE, replicas: int = 3) -> KubernetesObject:
    return render(POD_TEMPLATE, slot=slot, image=image, replicas=replicas)


def test_the_deployment_is_the_services_in_the_slot() -> None:
    deployment = rendered()
    assert deployment["metadata"] == {"name": "api-green", "namespace": "prod"}
    assert (deployment["apiVersion"], deployment["kind"]) == ("apps/v1", "Deployment")
    assert deployment["spec"]["replicas"] == 3


def test_the_image_stands_where_the_sentinel_stood_and_nowhere_else() -> None:
    containers = rendered()["spec"]["template"]["spec"]["containers"]
    assert [(one["name"], one["image"]) for one in containers] == [("api", IMAGE), ("proxy", SIDECAR)]


def test_the_rest_of_the_template_is_the_desired_one() -> None:
    spec = rendered()["spec"]["template"]["spec"]
    for container, desired in zip(spec["containers"], POD_TEMPLATE["template"]["spec"]["containers"], strict=True):
        assert {**container, "image": ""} == {**desired, "image": ""}
    assert spec["tolerations"] == POD_TEMPLATE["template"]["spec"]["tolerations"]


def test_pods_carry_the_slot_and_the_deployment_selects_them() -> None:
    spec = rendered()["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert labels == {"environment": "prod", "app.kubernetes.io/name": "api", "slot": "green"}
    assert spec["selector"] == {"matchLabels": {"app.kubernetes.io/name": "api", "slot": "green"}}
    annotations = spec["template"]["metadata"]["annotations"]
    assert annotations == {"note": "kept", TEMPLATE_HASH: template_hash(POD_TEMPLATE)}


def test_nothing_of_the_pod_templates_own_metadata_comes_along() -> None:
    template = rendered()["spec"]["template"]
    assert set(template["metadata"]) == {"labels", "annotations"}
    assert set(rendered()) == {"apiVersion", "kind", "metadata", "spec"}
    assert set(rendered()["spec"]) == {"minReadySeconds", "replicas", "revisionHistoryLimit", "selector", "template"}


@given(st.sampled_from(SLOTS), st.integers(0, 100))
def test_rendering_leaves_the_pod_template_as_it_was(slot: str, replicas: int) -> None:
    before = copy.deepcopy(POD_TEMPLATE)
    one, other = (rendered(slot=slot, replicas=replicas) for _ in range(2))
    one["spec"]["template"]["spec"]["containers"].clear()
    one["spec"]["template"]["metadata"]["labels"].clear()
    assert before == POD_TEMPLATE
    assert other == rendered(slot=slot, replicas=replicas)


@pytest.mark.parametrize(
    "image", ["api", "registry.example.com/api:latest", f"registry.example.com/api@{SENTINEL_DIGEST}", ""]
)
def test_an_image_that_is_no_digest_or_the_sentinel_is_refused(image: str) -> None:
    with pytest.raises(ValueError, match="is not an image by digest"):
        rendered(image=image)


def test_a_template_without_the_sentinel_is_refused_by_name() -> None:
    template = copy.deepcopy(POD_TEMPLATE)
    template["template"]["spec"]["containers"][0]["image"] = IMAGE
    with pytest.raises(ValueError, match="PodTemplate api in prod has no container with the sentinel image"):
        render(template, slot="blue", image=IMAGE, replicas=1)


def test_a_slot_is_released_once_it_has_an_image() -> None:
    assert is_released(rendered())
    seed = rendered()
    seed["spec"]["template"] = copy.deepcopy(POD_TEMPLATE["template"])
    assert not is_released(seed)


def test_an_override_stands_on_the_pods_and_only_if_there_is_one() -> None:
    def annotations(override: str | None) -> dict[str, str]:
        slot = render(POD_TEMPLATE, slot="blue", image=IMAGE, replicas=1, override=override)
        return slot["spec"]["template"]["metadata"]["annotations"]

    assert annotations("it is urgent") == {**annotations(None), OVERRIDE: "it is urgent"}
    assert OVERRIDE not in annotations(None)
