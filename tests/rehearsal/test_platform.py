"""The whole program by the real engine on a real control plane: first up, second up, changes, manual releases."""

from __future__ import annotations

import base64
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
import yaml

import versions
from kube.client import KubernetesApi, KubernetesApiError
from rehearsal import status, workspace
from rehearsal.errors import RehearsalError
from rehearsal.layout import CHECKOUT
from rehearsal.lifecycle import Rehearsal
from release import slots
from tests.rehearsal.conftest import eventually
from tests.rehearsal.least_surprise import edited_program, preview
from tests.rehearsal.stacks import (
    ENVIRONMENTS,
    FIRST_UPS,
    ONE_STACK,
    SERVICES,
    SLOTS,
    Recorder,
    changes,
    exported_state,
    live_pods,
    pods,
    run_up,
    status_of,
    watched_processes,
)
from tests.unit.components.delivery.jenkins import DELIVERY
from tests.unit.program import stack_file


def test_both_slots_of_every_service_stand_in_both_environments_and_blue_is_ready(platform: Rehearsal) -> None:
    table = status.slot_table(platform.api(), platform.outputs())
    assert {(slot.namespace, slot.service, slot.slot) for slot in table} == {
        (environment, service, slot) for environment in ENVIRONMENTS for service in SERVICES for slot in SLOTS
    }
    for slot in table:
        assert slot.live == (slot.slot == "blue")
        assert slot.ready == slot.wanted
        assert (slot.wanted > 0) == slot.live
        assert (slot.image is not None) == slot.live


def test_pods_of_each_environment_run_only_on_its_nodes(platform: Rehearsal) -> None:
    api = platform.api()
    environment_of = {node.name: node.environment for node in status.nodes(api)}
    assert set(environment_of.values()) == set(ENVIRONMENTS)
    for environment in ENVIRONMENTS:
        placed = [environment_of[pod["spec"]["nodeName"]] for pod in pods(api, environment)]
        assert placed
        assert set(placed) == {environment}


def test_nodes_carry_the_label_and_the_taint_of_their_group_and_what_their_instance_type_allocates(
    platform: Rehearsal,
) -> None:
    wanted = stack_file(platform.stack)["config"]["hello-platform:environments"]
    nodes = platform.api().list("v1", "Node")
    for environment in ENVIRONMENTS:
        ours = [node for node in nodes if node["metadata"]["labels"].get("environment") == environment]
        assert len(ours) == wanted[environment]["nodes"]["desired"]
        for node in ours:
            taints = [(taint["key"], taint["value"]) for taint in node["spec"].get("taints", [])]
            assert taints == ([("environment", "prod")] if environment == "prod" else [])
            label = node["metadata"]["labels"]["node.kubernetes.io/instance-type"]
            assert label == wanted[environment]["nodes"]["instanceType"]
            assert 0 < int(node["status"]["allocatable"]["pods"]) <= int(node["status"]["capacity"]["pods"])
            assert node["status"]["allocatable"]["memory"] != node["status"]["capacity"]["memory"]


@ONE_STACK
def test_a_pod_without_the_toleration_never_lands_on_prod(platform: Rehearsal) -> None:
    api = platform.api()
    name = "intruder"
    api.create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"nodeSelector": {"environment": "prod"}, "containers": [{"name": "c", "image": "nothing"}]},
        }
    )

    def refused() -> bool:
        pod = api.get("v1", "Pod", name, "default")
        assert pod is not None
        conditions = pod.get("status", {}).get("conditions", [])
        return any("untolerated taint" in condition.get("message", "") for condition in conditions)

    try:
        eventually(refused, "the scheduler names prod's taint as the reason")
    finally:
        api.delete("v1", "Pod", name, "default")


@ONE_STACK
def test_a_privileged_pod_is_refused_in_both_environments(platform: Rehearsal) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "privileged"},
        "spec": {"containers": [{"name": "c", "image": "nothing", "securityContext": {"privileged": True}}]},
    }
    for environment in ENVIRONMENTS:
        pod["metadata"] = {"name": "privileged", "namespace": environment}
        with pytest.raises(KubernetesApiError, match="violates PodSecurity"):
            platform.api().create(pod)


def test_a_second_up_and_a_refresh_change_nothing(platform: Rehearsal) -> None:
    assert run_up(platform) == {}
    refreshed = platform.open().refresh(Recorder())
    assert set(refreshed.summary.resource_changes or {}) == {"same"}


@ONE_STACK
def test_every_autoscaler_gets_its_figures_from_the_add_on_and_grows_its_slot_under_load(platform: Rehearsal) -> None:
    api = platform.api()

    def autoscalers() -> list[dict[str, Any]]:
        return api.list("autoscaling/v2", "HorizontalPodAutoscaler")

    def active() -> bool:
        return all(status_of(one, "ScalingActive") == "True" for one in autoscalers())

    def size() -> int:
        deployment = api.get("apps/v1", "Deployment", "frontend-blue", "prod")
        assert deployment is not None
        return int(deployment["spec"]["replicas"])

    assert len(autoscalers()) == len(ENVIRONMENTS) * len(SERVICES)
    eventually(active, "every autoscaler acts on CPU figures", 120)
    before = size()
    platform.layout.load.write_text('{"prod/frontend": 200}')
    try:
        eventually(lambda: size() > before, "the live slot grows", 120)
    finally:
        platform.layout.load.unlink()
    assert run_up(platform) == {}, "an autoscaler's doing is no change"


@ONE_STACK
def test_a_new_variable_reaches_the_pod_template_and_no_deployment(platform: Rehearsal) -> None:
    api = platform.api()
    before = {pod["metadata"]["uid"] for pod in pods(api, "dev") + pods(api, "prod")}

    def edit(config: dict[str, Any]) -> None:
        config["hello-platform:services"]["ai"].setdefault("variables", {})["LOG_LEVEL"] = "debug"

    done = changes(platform, edit)
    # What no setting names any more leaves the state, and stays in the cluster.
    kinds = [(key.split("::")[0], operation) for key, operation in done.items() if operation != "delete"]
    assert set(kinds) == {
        ("kubernetes:core/v1:ConfigMap", "create"),
        ("kubernetes:core/v1:Secret", "create"),
        ("kubernetes:core/v1:PodTemplate", "update"),
    }
    assert len(kinds) == 3 * len(ENVIRONMENTS)
    assert {key.split("::")[0] for key, operation in done.items() if operation == "delete"} == {
        "kubernetes:core/v1:ConfigMap",
        "kubernetes:core/v1:Secret",
    }
    assert {pod["metadata"]["uid"] for pod in pods(api, "dev") + pods(api, "prod")} == before
    back = {(key.split("::")[0], operation) for key, operation in run_up(platform).items()}
    assert ("kubernetes:core/v1:PodTemplate", "update") in back


@ONE_STACK
def test_a_release_by_another_field_manager_survives_up(platform: Rehearsal) -> None:
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
    assert run_up(platform) == {}, "nothing that the release tool wrote is taken back"

    def edit(config: dict[str, Any]) -> None:
        config["hello-platform:services"]["api"]["replicas"]["prod"]["max"] += 1
        config["hello-platform:services"]["api"]["variables"]["AI_URL"] = "http://ai.dev"

    done = changes(platform, edit)
    assert "update" in {operation for key, operation in done.items() if "HorizontalPodAutoscaler" in key}
    assert not [key for key in done if "Deployment" in key or ":Service::" in key]
    run_up(platform)

    live = {
        slot.slot: slot
        for slot in status.slot_table(api, platform.outputs())
        if slot.service == "api" and slot.namespace == "prod"
    }
    assert live["green"].live
    assert live["green"].image == image
    autoscaler = api.get("autoscaling/v2", "HorizontalPodAutoscaler", "api", "prod")
    assert autoscaler is not None
    assert autoscaler["spec"]["scaleTargetRef"]["name"] == "api-green"
    preview = api.get("v1", "Service", "api-preview", "prod")
    assert preview is not None
    assert preview["spec"]["selector"]["slot"] == "blue"
    refreshed = platform.open().refresh(Recorder())
    assert set(refreshed.summary.resource_changes or {}) == {"same"}


@ONE_STACK
def test_live_pods_that_restart_come_back_with_the_secret_they_were_released_with(platform: Rehearsal) -> None:
    api = platform.api()
    name = "LLM_API_KEY"
    key = f"hello-platform:secrets.prod.ai.{name}"
    old = workspace.generated(key)
    (released,) = {secret_of(pod["spec"]) for pod in live_pods(api, "prod", "ai")}

    platform.open().set_secrets({key: "another value"})
    try:
        done = run_up(platform)
        assert {(key.split("::")[0], operation) for key, operation in done.items() if operation != "delete"} == {
            ("kubernetes:core/v1:ConfigMap", "create"),
            ("kubernetes:core/v1:Secret", "create"),
            ("kubernetes:core/v1:PodTemplate", "update"),
        }
        template = api.get("v1", "PodTemplate", "ai", "prod")
        assert template is not None
        desired = secret_of(template["template"]["spec"])
        assert desired != released, "the next release gets the new value"
        assert value_of(api, "prod", desired, name) == "another value"
        (owner,) = (api.get("v1", "Secret", desired, "prod") or {})["metadata"]["ownerReferences"]
        config_map = api.get("v1", "ConfigMap", desired, "prod")
        assert config_map is not None
        assert owner["uid"] == config_map["metadata"]["uid"], "it goes when the release tool collects the ConfigMap"

        pods_before = live_pods(api, "prod", "ai")
        assert len(pods_before) > 1
        for pod in pods_before:
            restart(api, pod)
        after = live_pods(api, "prod", "ai")
        assert not {pod["metadata"]["uid"] for pod in pods_before} & {pod["metadata"]["uid"] for pod in after}
        assert [secret_of(pod["spec"]) for pod in after] == len(pods_before) * [released]
        assert value_of(api, "prod", released, name) == old
    finally:
        platform.open().set_secrets({key: old})
        run_up(platform)


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


@ONE_STACK
def test_the_commands_of_the_contract_see_switch_and_go_back(platform: Rehearsal) -> None:
    commands = platform.outputs()["services"]["dev"]["gateway"]["commands"]

    def run(name: str) -> str:
        done = subprocess.run(
            ["/bin/sh", "-c", commands[name]],
            env={**os.environ, **workspace.environment(platform.layout)},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    assert run("liveSlot") == "blue"
    run("switch")
    assert run("liveSlot") == "green"
    with pytest.raises(subprocess.CalledProcessError):
        run("switch")  # its `test` does not hold any more: a lost race is an error, not a second switch
    run("goBack")
    assert run("liveSlot") == "blue"


@ONE_STACK
def test_the_first_release_of_the_contract_brings_an_image_into_blue(platform: Rehearsal) -> None:
    outputs = platform.outputs()
    image = f"{outputs['repositories']['crawling']}@sha256:{'cd' * 32}"
    command = outputs["services"]["dev"]["crawling"]["commands"]["firstRelease"]
    command = command.replace("IMAGE@sha256:DIGEST", image).replace("| python ", f"| {shlex.quote(sys.executable)} ")
    done = subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", command],
        cwd=CHECKOUT,
        env={**os.environ, **workspace.environment(platform.layout)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    def is_live() -> bool:
        table = status.slot_table(platform.api(), platform.outputs())
        (blue,) = (one for one in table if (one.namespace, one.service, one.slot) == ("dev", "crawling", "blue"))
        return blue.live and blue.image == image and blue.ready == blue.wanted == 1

    eventually(is_live, "crawling's blue slot on dev runs the image")


def test_no_secret_is_in_any_output_log_preview_state_or_process_listing(platform: Rehearsal) -> None:
    file = platform.layout.workspace / f"Pulumi.{platform.stack}.yaml"
    before = file.read_text()
    required = workspace.required_secrets(yaml.safe_load(before)["config"])
    secrets = {secret.key: workspace.generated(secret.key) for secret in required}
    in_cluster = [
        base64.b64decode(value)
        for secret in platform.api().list("v1", "Secret")
        for value in secret.get("data", {}).values()
    ]
    missing = [key for key, text in secrets.items() if not any(text.encode() in value for value in in_cluster)]
    assert not missing, "they did not reach the cluster"
    new = {key: f"canary-{number}-{token_hex(16)}" for number, key in enumerate(secrets)}
    engine, shown = platform.open(), list[str]()
    try:
        with watched_processes() as processes:
            engine.set_secrets(new)
            engine.preview(shown.append)
    finally:
        file.write_text(before)
    assert [line for line in shown if "v1:Secret" in line]
    assert any(" config set " in command for command in processes), "no process was seen"
    outputs = json.dumps({name: str(output) for name, output in engine.outputs().items() if not output.secret})

    first = FIRST_UPS[platform.stack]
    assert any("pulumi-resource-kubernetes" in command for command in first.processes)
    state = exported_state(platform.layout, platform.stack)
    assert '"ciphertext"' in state
    texts = [*first.processes, first.console, first.log, *processes, *shown, outputs, state]
    files = [
        path for path in platform.layout.directory.rglob("*") if path.is_file() and "control-plane" not in path.parts
    ]
    assert any(path.is_relative_to(platform.layout.logs) for path in files)
    contents = {path: path.read_bytes() for path in files}
    for key, value in (*secrets.items(), *new.items()):
        assert len(value) > 16, key
        assert not [text for text in texts if value in text], key
        assert not [str(path) for path, content in contents.items() if value.encode() in content], key


LABELS = "return {labels.ENVIRONMENT: environment, labels.SERVICE: service}"


@ONE_STACK
def test_another_label_tag_size_or_version_replaces_renames_and_deletes_nothing(
    platform: Rehearsal, tmp_path: Path
) -> None:
    def edit(config: dict[str, Any]) -> None:
        config["hello-platform:owner"] = "another-team"
        config["hello-platform:costCenter"] = "another-center"
        config["hello-platform:cluster"]["logRetentionDays"] = 90
        config["hello-platform:cluster"]["publicAccessCidrs"] = ["203.0.113.0/28"]
        for environment in ENVIRONMENTS:
            nodes = config["hello-platform:environments"][environment]["nodes"]
            nodes.update(instanceType="m7i.xlarge", max=nodes["max"] + 2, diskGib=80)
            config["hello-platform:environments"][environment]["quota"].update(cpu="12", memory="32Gi")
        config["hello-platform:services"]["ai"]["resources"]["requests"]["cpu"] = "300m"
        config["hello-platform:services"]["ai"]["longestRequestSeconds"] = 50

    newer = {
        f'"{version}"': f'"{version[:-1]}{(int(version[-1]) + 1) % 10}"'
        for version in (
            *(versions.KUBERNETES, versions.VPC_CNI, versions.KUBE_PROXY, versions.POD_IDENTITY_AGENT),
            *(versions.COREDNS, versions.EBS_CSI_DRIVER, versions.METRICS_SERVER),
        )
    }
    labelled = {LABELS: LABELS.replace("service}", 'service, "team": "another"}')}
    program = edited_program(
        tmp_path / "program", {"versions.py": newer, "components/workload/pod_template.py": labelled}
    )
    steps = preview(platform.layout, platform.stack, edit, program)
    assert {step.operation for step in steps} == {"update"}, [step for step in steps if step.operation != "update"]
    assert {step.type for step in steps} >= {
        *("aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup", "aws:eks/addon:Addon", "aws:ec2/vpc:Vpc"),
        *("aws:ec2/launchTemplate:LaunchTemplate", "aws:cloudwatch/logGroup:LogGroup", "aws:kms/key:Key"),
        *("kubernetes:apps/v1:Deployment", "kubernetes:core/v1:Service", "kubernetes:core/v1:PodTemplate"),
        "kubernetes:core/v1:ResourceQuota",
    }


@ONE_STACK
def test_jenkins_comes_and_goes_with_its_settings_and_nothing_else_changes(platform: Rehearsal) -> None:
    api = platform.api()
    takes_its_host = "kubernetes:elbv2.k8s.aws/v1beta1:IngressClassParams::staff"

    def edit(config: dict[str, Any]) -> None:
        config["hello-platform:delivery"] = DELIVERY

    done = changes(platform, edit)
    assert done.pop(takes_its_host) == "update"
    assert set(done.values()) == {"create"}
    assert {"kubernetes:helm.sh/v3:Release::jenkins", "kubernetes:apps/v1:Deployment::buildkitd"} <= set(done)
    found = {one["metadata"]["name"].split("-")[0]: one for name in ("jenkins", "buildkit") for one in pods(api, name)}
    assert set(found) == {"jenkins", "buildkitd"}
    for one in found.values():
        node = api.get("v1", "Node", one["spec"]["nodeName"])
        assert node is not None
        assert node["metadata"]["labels"]["environment"] == "dev"
        assert one["spec"]["priorityClassName"] == "tooling"
    gone = run_up(platform)
    assert gone.pop(takes_its_host) == "update"
    assert gone.keys() == done.keys()
    assert set(gone.values()) == {"delete"}


@ONE_STACK
def test_a_bad_setting_is_refused_before_anything_changes(platform: Rehearsal) -> None:
    file = platform.layout.workspace / f"Pulumi.{platform.stack}.yaml"
    before = file.read_text()
    state = platform.open().resources()
    file.write_text(before.replace("port: 8085", "port: 808500"))
    recorder = Recorder()
    try:
        with pytest.raises(RehearsalError, match="did not succeed"):
            platform.open().up(recorder)
    finally:
        file.write_text(before)
    assert any("services.ai.port: 808500" in error for error in recorder.errors), recorder.errors
    assert not any("Traceback" in error for error in recorder.errors)
    assert recorder.operations == {}
    assert platform.open().resources() == state
