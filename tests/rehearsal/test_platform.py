"""The whole program by the real engine on a real control plane: first up, second up, changes, manual releases."""

from __future__ import annotations

import base64
import json
import os
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from secrets import token_hex
from typing import Any, cast

import pytest
import yaml
from rich.console import Console

import versions
from kube.client import KubernetesApiError
from pipelines.preview_report import screen
from rehearsal import status, workspace
from rehearsal.demo_images import FIRST_VERSION
from rehearsal.errors import RehearsalError
from rehearsal.first_release import RELEASED_BY
from rehearsal.layout import CHECKOUT
from rehearsal.lifecycle import Rehearsal
from release.history import Outcome
from release.observe import observe
from tests.rehearsal.conftest import eventually
from tests.rehearsal.least_surprise import edited_program, preview
from tests.rehearsal.stacks import (
    ENVIRONMENTS,
    FIRST_UPS,
    ON_PROD,
    ONE_STACK,
    SERVICES,
    SLOTS,
    Recorder,
    exported_state,
    pods,
    refreshed,
    run_up,
    status_of,
    watched_processes,
)
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


def test_every_first_release_is_in_its_services_history_with_its_version(platform: Rehearsal) -> None:
    for environment in ENVIRONMENTS:
        for service in SERVICES:
            first = observe(platform.api(), environment, service, now=datetime.now(UTC)).history[0]
            assert (first.version, first.by, first.outcome) == (FIRST_VERSION, RELEASED_BY, Outcome.RELEASED)


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


@ON_PROD
def test_a_second_up_and_a_refresh_change_nothing(platform: Rehearsal) -> None:
    """On dev, `test_settings.py` shows it of a stack where more has happened."""
    assert run_up(platform) == {}
    assert refreshed(platform.open()) == {"same"}


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


def test_no_secret_is_in_any_output_log_state_or_process_listing(platform: Rehearsal) -> None:
    secrets = {key: workspace.generated(key) for key in required_secrets(platform)}
    in_cluster = [
        base64.b64decode(value)
        for secret in platform.api().list("v1", "Secret")
        for value in secret.get("data", {}).values()
    ]
    missing = [key for key, text in secrets.items() if not any(text.encode() in value for value in in_cluster)]
    assert not missing, "they did not reach the cluster"
    first = FIRST_UPS[platform.stack]
    assert any("pulumi-resource-kubernetes" in command for command in first.processes)
    assert_not_told(platform, secrets, [*first.processes, first.console, first.log])


@ON_PROD
def test_no_secret_is_in_any_preview_nor_in_what_sets_it(platform: Rehearsal) -> None:
    file = platform.layout.workspace / f"Pulumi.{platform.stack}.yaml"
    before = file.read_text()
    new = {key: f"canary-{number}-{token_hex(16)}" for number, key in enumerate(required_secrets(platform))}
    engine, console = platform.open(), Console(file=StringIO(), width=200)
    try:
        with watched_processes() as processes:
            workspace.set_secrets(platform.layout, platform.stack, new)
            screen.show(console, platform.stack, engine.preview(), verbose=True)
        shown = cast("StringIO", console.file).getvalue().splitlines()
        assert_not_told(platform, new, [*processes, *shown])
    finally:
        file.write_text(before)
    assert [line for line in shown if "v1:Secret" in line]
    assert any(" preview " in command for command in processes), "no process was seen"


def required_secrets(platform: Rehearsal) -> list[str]:
    """The configuration keys of the secrets that a stack's services need."""
    settings = yaml.safe_load((platform.layout.workspace / f"Pulumi.{platform.stack}.yaml").read_text())["config"]
    return [secret.key for secret in workspace.required_secrets(settings)]


def assert_not_told(platform: Rehearsal, secrets: dict[str, str], texts: list[str]) -> None:
    """None of the secrets, by key, is in one of the texts, in the stack's outputs or in a file of the rehearsal."""
    outputs = platform.open().outputs()
    state = exported_state(platform.layout, platform.stack)
    assert '"ciphertext"' in state
    texts = [*texts, json.dumps({name: str(output) for name, output in outputs.items() if not output.secret}), state]
    files = [
        path for path in platform.layout.directory.rglob("*") if path.is_file() and "control-plane" not in path.parts
    ]
    assert any(path.is_relative_to(platform.layout.logs) for path in files)
    contents = {path: path.read_bytes() for path in files}
    assert secrets
    for key, value in secrets.items():
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
