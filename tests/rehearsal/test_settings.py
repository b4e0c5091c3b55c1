"""Changed settings on a stack with a release: all that do not touch one another in one `up`, and back in another."""

from __future__ import annotations

import base64
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from kube.client import KubernetesApi
from rehearsal import status, workspace
from rehearsal.lifecycle import Rehearsal
from release import slots
from tests.rehearsal.conftest import eventually
from tests.rehearsal.stacks import ENVIRONMENTS, ONE_STACK, changes, live_pods, pods, refreshed, run_up, status_of
from tests.unit.components.delivery.jenkins import DELIVERY

pytestmark = ONE_STACK

SECRET = "LLM_API_KEY"  # noqa: S105 - a name
SECRET_KEY = f"hello-platform:secrets.prod.ai.{SECRET}"
TAKES_A_HOST = "kubernetes:elbv2.k8s.aws/v1beta1:IngressClassParams::staff"
KEPT = ("kubernetes:core/v1:ConfigMap", "kubernetes:core/v1:Secret")
"""What leaves the state when no setting names it any more, and stays in the cluster."""


@dataclass(frozen=True)
class Story:
    """What was seen.

    Attributes:
        image: What another field manager released on prod as `api`, into its green slot.
        first: What `up` did after that.
        refreshed: What a refresh then found.
        forth: What `up` did with the changed settings: the operation by resource.
        untouched: Whether every pod was the same afterwards.
        tooling: Jenkins' pods, each with its node's environment.
        released: The name of the Secret of ai's live pods on prod, before the change.
        desired: That of the pod template after it.
        restarted: Those of the live pods after a restart.
        back: What `up` did with the settings of before.
    """

    image: str
    first: dict[str, str]
    refreshed: set[str]
    forth: dict[str, str]
    untouched: bool
    tooling: list[tuple[dict[str, Any], str]]
    released: str
    desired: str
    restarted: list[str]
    back: dict[str, str]

    def of_services(self, done: dict[str, str]) -> dict[str, str]:
        """What was done for services, `ENVIRONMENT-SERVICE…`; what is delivery's begins with `ENVIRONMENT-hello-`."""
        service = re.compile(rf"({'|'.join(ENVIRONMENTS)})-(?!hello-)")
        return {key: operation for key, operation in done.items() if service.match(key.partition("::")[2])}

    def of_jenkins(self, done: dict[str, str]) -> dict[str, str]:
        """The rest."""
        return {key: operation for key, operation in done.items() if key not in self.of_services(done)}


def edit(config: dict[str, Any]) -> None:
    """Changes settings of two services, and has Jenkins come."""
    services = config["hello-platform:services"]
    services["ai"].setdefault("variables", {})["LOG_LEVEL"] = "debug"
    services["api"]["replicas"]["prod"]["max"] += 1
    services["api"]["variables"]["AI_URL"] = "http://ai.dev"
    config["hello-platform:delivery"] = DELIVERY


@pytest.fixture(scope="module")
def story(platform: Rehearsal) -> Story:
    """What happens, in one go: each run of the engine takes long."""
    api, old = platform.api(), workspace.generated(SECRET_KEY)
    image = release(platform)
    first = run_up(platform)
    found_by_refresh = refreshed(platform.open())
    before, (released,) = uids(api), {secret_of(pod["spec"]) for pod in live_pods(api, "prod", "ai")}
    workspace.set_secrets(platform.layout, platform.stack, {SECRET_KEY: "another value"})
    try:
        forth = changes(platform, edit)
        untouched = before <= uids(api)
        found = [pod for namespace in ("jenkins", "buildkit") for pod in pods(api, namespace)]
        environment_of = {node.name: node.environment for node in status.nodes(api)}
        template = api.get("v1", "PodTemplate", "ai", "prod")
        assert template is not None
        restarted = restart_all(api, "prod", "ai")
    finally:
        workspace.set_secrets(platform.layout, platform.stack, {SECRET_KEY: old})
        back = run_up(platform)
    return Story(
        image=image,
        first=first,
        refreshed=found_by_refresh,
        forth=forth,
        untouched=untouched,
        tooling=[(pod, environment_of[pod["spec"]["nodeName"]] or "") for pod in found],
        released=released,
        desired=secret_of(template["template"]["spec"]),
        restarted=restarted,
        back=back,
    )


def release(platform: Rehearsal) -> str:
    """Releases an image as another field manager, the autoscaler included; returns it."""
    api = platform.api()
    template = api.get("v1", "PodTemplate", "api", "prod")
    assert template is not None
    image = f"{platform.outputs()['repositories']['api']}@sha256:{'ab' * 32}"
    slots.apply_template(api, slots.render(template, slot="green", image=image, replicas=2, override="no one tried it"))
    for service, old, new in (("api", "blue", "green"), ("api-preview", "green", "blue")):
        path = "/spec/selector/slot"
        patch = [{"op": "test", "path": path, "value": old}, {"op": "replace", "path": path, "value": new}]
        api.json_patch("v1", "Service", service, patch, namespace="prod")
    target = [{"op": "replace", "path": "/spec/scaleTargetRef/name", "value": "api-green"}]
    api.json_patch("autoscaling/v2", "HorizontalPodAutoscaler", "api", target, namespace="prod")
    return image


def uids(api: KubernetesApi) -> set[str]:
    """The pods that serve of the services whose settings change; the reconciler may retire the others."""
    return {
        pod["metadata"]["uid"]
        for environment in ENVIRONMENTS
        for service in ("ai", "api")
        for slot in [live_slot(api, environment, service)]
        for pod in live_pods(api, environment, service)
        if pod["metadata"]["labels"]["slot"] == slot
    }


def live_slot(api: KubernetesApi, environment: str, service: str) -> str:
    """The slot that a service selects."""
    found = api.get("v1", "Service", service, environment)
    assert found is not None
    return str(found["spec"]["selector"]["slot"])


def secret_of(spec: dict[str, Any]) -> str:
    """Name of the Secret whose values a pod's container gets."""
    (container,) = spec["containers"]
    (name,) = [source["secretRef"]["name"] for source in container["envFrom"] if "secretRef" in source]
    return str(name)


def value_of(api: KubernetesApi, environment: str, secret: str, name: str) -> str:
    """A value in a Secret."""
    found = api.get("v1", "Secret", secret, environment)
    assert found is not None, f"{secret} is gone"
    return base64.b64decode(found["data"][name]).decode()


def restart_all(api: KubernetesApi, environment: str, service: str) -> list[str]:
    """Deletes a service's live pods, one after another, and returns the Secret of each pod in their place."""
    before = live_pods(api, environment, service)
    assert len(before) > 1
    for pod in before:
        restart(api, pod)
    after = live_pods(api, environment, service)
    assert len(after) == len(before)
    assert not {pod["metadata"]["uid"] for pod in before} & {pod["metadata"]["uid"] for pod in after}
    return [secret_of(pod["spec"]) for pod in after]


def restart(api: KubernetesApi, pod: dict[str, Any]) -> None:
    """Deletes a pod and waits until another is ready in its place."""
    environment, service = pod["metadata"]["namespace"], pod["metadata"]["labels"]["app.kubernetes.io/name"]
    wanted = len(live_pods(api, environment, service))
    api.delete("v1", "Pod", pod["metadata"]["name"], environment)

    def replaced() -> bool:
        there = live_pods(api, environment, service)
        ready = [one for one in there if status_of(one, "Ready") == "True"]
        return len(ready) == wanted and pod["metadata"]["uid"] not in {one["metadata"]["uid"] for one in there}

    eventually(replaced, f"a pod in the place of {pod['metadata']['name']}")


def test_nothing_that_the_release_tool_or_an_autoscaler_wrote_is_a_change(story: Story) -> None:
    """The first `up` after the stack's own, and after an autoscaler has grown a slot (`test_platform.py`)."""
    assert story.first == {}
    assert story.refreshed == {"same"}


def test_a_setting_reaches_the_pod_template_and_no_deployment_service_or_pod(story: Story) -> None:
    # ai and api in both environments; the secret is one of ai's on prod.
    done = Counter((key.partition("::")[0], how) for key, how in story.of_services(story.forth).items())
    written = {of: number for of, number in done.items() if of[1] != "delete"}
    assert written == {
        ("kubernetes:core/v1:ConfigMap", "create"): 4,
        ("kubernetes:core/v1:Secret", "create"): 4,
        ("kubernetes:core/v1:PodTemplate", "update"): 4,
        ("kubernetes:autoscaling/v2:HorizontalPodAutoscaler", "update"): 1,
    }
    assert {kind for kind, how in done if how == "delete"} == set(KEPT)
    assert story.untouched
    back = {(key.partition("::")[0], how) for key, how in story.of_services(story.back).items()}
    assert back == {*written, *((kind, "delete") for kind in KEPT)}


def test_a_release_by_another_field_manager_survives_both(story: Story, platform: Rehearsal) -> None:
    api = platform.api()
    live = {
        slot.slot: slot
        for slot in status.slot_table(api, platform.outputs())
        if slot.service == "api" and slot.namespace == "prod"
    }
    assert live["green"].live
    assert live["green"].image == story.image
    autoscaler = api.get("autoscaling/v2", "HorizontalPodAutoscaler", "api", "prod")
    assert autoscaler is not None
    assert autoscaler["spec"]["scaleTargetRef"]["name"] == "api-green"
    preview = api.get("v1", "Service", "api-preview", "prod")
    assert preview is not None
    assert preview["spec"]["selector"]["slot"] == "blue"


def test_live_pods_that_restart_come_back_with_the_secret_they_were_released_with(
    story: Story, platform: Rehearsal
) -> None:
    api = platform.api()
    assert story.desired != story.released, "the next release gets the new value"
    assert value_of(api, "prod", story.desired, SECRET) == "another value"
    (owner,) = (api.get("v1", "Secret", story.desired, "prod") or {})["metadata"]["ownerReferences"]
    config_map = api.get("v1", "ConfigMap", story.desired, "prod")
    assert config_map is not None
    assert owner["uid"] == config_map["metadata"]["uid"], "it goes when the release tool collects the ConfigMap"
    assert set(story.restarted) == {story.released}
    assert value_of(api, "prod", story.released, SECRET) == workspace.generated(SECRET_KEY)


def test_jenkins_comes_and_goes_with_its_settings_and_nothing_else_changes(story: Story) -> None:
    done, gone = story.of_jenkins(story.forth), story.of_jenkins(story.back)
    assert done.pop(TAKES_A_HOST) == gone.pop(TAKES_A_HOST) == "update"
    assert set(done.values()) == {"create"}
    assert {"kubernetes:helm.sh/v3:Release::jenkins", "kubernetes:apps/v1:Deployment::buildkitd"} <= set(done)
    assert {pod["metadata"]["name"].split("-")[0] for pod, _ in story.tooling} == {"jenkins", "buildkitd"}
    for pod, environment in story.tooling:
        assert environment == "dev"
        assert pod["spec"]["priorityClassName"] == "tooling"
    assert gone.keys() == done.keys()
    assert set(gone.values()) == {"delete"}
