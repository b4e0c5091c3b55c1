"""The tool as a pipeline runs it, in an agent's pod with its service account, and as a person does, on a laptop.

Nothing here tells the pod where the API server or a service is: its environment, its token and the cluster's DNS do.
The laptop reaches nothing but the API server, which takes it for a person who may release.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest

import versions
from components.delivery.jenkins import agents
from components.delivery.jenkins.names import AGENT
from components.kubernetes.priority_classes import TOOLING
from contract.identities import DEPLOYERS, RELEASE, username
from contract.namespaces import DELIVERY
from kube.client import KubernetesApi
from rehearsal import control_plane as kubernetes
from rehearsal import demo_images, first_release
from rehearsal.demo_images import Fault
from rehearsal.emulators import in_cluster
from rehearsal.emulators.aws import addons
from rehearsal.layout import Layout
from rehearsal.network import namespace as namespaces
from rehearsal.toolchain import Toolchain
from release import verification
from release.clock import SystemClock
from release.errors import ExitCode
from release.lock import Lock
from release.observe import observe
from tests.rehearsal.conftest import eventually
from tests.release.identities import apply_the_program
from tests.release.platform import node
from tests.release.service_release import USER, ServiceRelease, StepError, releasers, with_github
from tools.program.graph import Graph

OVER = ("Succeeded", "Failed")
SECONDS = 300
"""For a pod that releases every service, on a busy machine."""

PERSON = "jane"

NODES = {"dev": "10.1.0.10", "prod": "10.1.1.10"}
"""Each environment's node, and its address."""


MACHINE = {
    "kubernetes.io/os": "linux",
    "kubernetes.io/arch": "amd64",
    "topology.kubernetes.io/region": "ap-northeast-2",
}
"""What the kubelet of a node of EKS says of its machine."""


ONE_AFTER_THE_OTHER = """
import json, subprocess, sys
for words in json.loads(sys.argv[1]):
    run = subprocess.run([sys.executable, "-m", "release", *words, "--json"], capture_output=True, text=True)
    print(json.dumps([run.returncode, run.stdout, run.stderr]), flush=True)
"""
"""Runs the tool with each of the command lines in its argument, and prints a line of JSON for each."""

NO_TAGS = {"HELLO_RELEASE_IMAGE_TAGS": "false"}


class Ran(NamedTuple):
    """A command that has ended.

    Attributes:
        code: Its exit code.
        answer: Its standard output, which is JSON.
        printed: All that it printed.
    """

    code: int
    answer: list[dict[str, Any]]
    printed: str


def ran(code: int, output: str, errors: str) -> Ran:
    """The same, from its exit code and what it wrote."""
    return Ran(code, json.loads(output or "[]"), output + errors)


@dataclass(frozen=True)
class Cluster:
    """The stack's own objects on a control plane, with a demo image in every blue slot.

    Attributes:
        layout: Its files.
        api: With all rights.
        kubectl: The program.
        outputs: The stack's.
    """

    layout: Layout
    api: KubernetesApi
    kubectl: str
    outputs: dict[str, Any]

    @property
    def services(self) -> list[str]:
        """Every service."""
        return sorted(self.outputs["repositories"])

    def image(self, service: str, version: str, fault: Fault | None = None) -> str:
        """A version of a service."""
        return f"{self.outputs['repositories'][service]}@{demo_images.digest(version, fault)}"

    def port(self, service: str) -> int:
        """Where a service of dev is asked."""
        found = self.api.get("v1", "PodTemplate", service, "dev")
        assert found is not None
        return int(found["template"]["spec"]["containers"][0]["ports"][0]["containerPort"])

    def run(self, kind: str, *words: str) -> Ran:
        """The tool in a pod of a kind of agents.

        Args:
            kind: `release` or `verify`.
            words: Its command line.
        """
        (ran,) = self.run_all(kind, [words])
        return ran

    def run_all(self, kind: str, commands: Sequence[Sequence[str]]) -> list[Ran]:
        """The same for one command line after the other, in one pod."""
        registry = self.outputs["repositories"]["api"].rpartition("/")[0]
        made = agents.pod(kind, f"{registry}/{AGENT}@sha256:{64 * 'a'}", environment="dev", priority_class=TOOLING)
        # Jenkins gives the commands; images' tags in ECR are no part of this.
        made["spec"]["containers"][0]["command"] = ["python3", "-c", ONE_AFTER_THE_OTHER, json.dumps(commands)]
        made["spec"]["containers"][0]["env"] = [{"name": name, "value": value} for name, value in NO_TAGS.items()]
        made["metadata"]["generateName"] = f"{kind}-"
        name = str(self.api.create(made)["metadata"]["name"])

        def phase() -> str:
            found = self.api.get("v1", "Pod", name, DELIVERY)
            return str(found["status"].get("phase")) if found else ""

        eventually(lambda: phase() in OVER, f"{name} ends: {commands}", SECONDS)
        printed = self._logs(name)
        ended = [json.loads(line) for line in printed.splitlines() if line.startswith("[")]
        assert (phase(), len(ended)) == ("Succeeded", len(commands)), printed
        return [ran(*one) for one in ended]

    def run_by_a_person(self, *words: str) -> Ran:
        """The tool on a laptop, by a person who may release: `kubectl proxy` says who it is."""
        (ran,) = self.run_all_by_a_person([words])
        return ran

    def run_all_by_a_person(self, commands: Sequence[Sequence[str]]) -> list[Ran]:
        """The same for one command line after the other."""
        command = [self.kubectl, f"--kubeconfig={self.layout.kubeconfig}", "proxy", "--port=0"]
        command += [f"--as={PERSON}", f"--as-group={DEPLOYERS}", "--as-group=system:authenticated"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as proxy, TemporaryDirectory() as folder:
            try:
                assert proxy.stdout is not None
                address = proxy.stdout.readline().split()[-1]
                kubeconfig = Path(folder, "kubeconfig")
                kubeconfig.write_text(json.dumps(kubeconfig_of(f"http://{address}")))
                own = {**os.environ, **NO_TAGS, "KUBECONFIG": str(kubeconfig)}
                tool = [sys.executable, "-c", ONE_AFTER_THE_OTHER, json.dumps(commands)]
                run = subprocess.run(tool, stdout=subprocess.PIPE, text=True, check=True, timeout=SECONDS, env=own)
            finally:
                proxy.terminate()
        return [ran(*json.loads(line)) for line in run.stdout.splitlines()]

    def _logs(self, name: str) -> str:
        command = [self.kubectl, f"--kubeconfig={self.layout.kubeconfig}", f"--namespace={DELIVERY}", "logs", name]
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        assert run.returncode == 0, run.stderr
        return run.stdout


def kubeconfig_of(server: str) -> dict[str, Any]:
    """A kubeconfig for an API server that asks for no credentials."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "laptop",
        "contexts": [{"name": "laptop", "context": {"cluster": "laptop", "user": "nobody"}}],
        "clusters": [{"name": "laptop", "cluster": {"server": server}}],
        "users": [{"name": "nobody", "user": {}}],
    }


@pytest.fixture(scope="module")
def cluster(tools: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if lacks := namespaces.refusal():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lacks)
    with started(Layout(tmp_path_factory.mktemp("in a pod")), tools, with_github()) as found:
        yield found


@contextmanager
def started(layout: Layout, tools: Toolchain, graph: Graph) -> Generator[Cluster]:
    """A cluster with the objects of a graph."""
    kubernetes.start(layout, tools, print)
    try:
        api, outputs = KubernetesApi(layout.kubeconfig), dict(graph.outputs)
        for name, address in NODES.items():
            machine = node()
            machine["metadata"] = {"name": name, "labels": {**MACHINE, "environment": name}}
            machine["status"]["addresses"] = [
                {"type": "InternalIP", "address": address},
                {"type": "Hostname", "address": name},
            ]
            api.create(machine)
        dns = addons.objects("coredns", versions.COREDNS, "")
        in_cluster.bring(api, addons.mark("coredns"), dns, manager="test")
        apply_the_program(api, graph)
        first_release.release(api, first_release.targets(outputs), print)
        assert in_cluster.waits_for(api, dns, 60) == []
        yield Cluster(layout, api, str(tools.kubernetes_program("kubectl")), outputs)
    finally:
        kubernetes.stop(layout)


def test_every_service_is_released_and_verified_on_dev_and_promoted_to_prod(cluster: Cluster) -> None:
    images = [f"--image={service}={cluster.image(service, 'v2')}" for service in cluster.services]
    assert len({cluster.port(service) for service in cluster.services} - {80}) > 1, "ports of their own"
    code, answer, printed = cluster.run(
        "release", "deploy", "dev", "--all", *images, "--watch-for=0.5", "--at-once=5", "--ready-within=120"
    )
    assert code == ExitCode.DONE, printed
    assert {one["service"]: one["outcome"] for one in answer} == dict.fromkeys(cluster.services, "done"), printed
    for service in cluster.services:
        code, _, printed = cluster.run("verify", "verify", "dev", service)
        assert code == ExitCode.DONE, printed
    code, answer, printed = cluster.run("release", "promote", "--all", "--watch-for=0.5", "--at-once=5")
    assert code == ExitCode.DONE, printed
    assert {one["service"]: one["outcome"] for one in answer} == dict.fromkeys(cluster.services, "done"), printed


@pytest.mark.parametrize("place", ["pod", "laptop"])
@pytest.mark.parametrize("fault", [Fault.SMOKE_TEST, Fault.BREAKS_UNDER_TRAFFIC])
def test_a_version_that_fails_is_taken_back(cluster: Cluster, fault: Fault, place: str) -> None:
    wanted = cluster.image("api", f"bad-{place}-{fault.value}"[:20], fault)
    run = cluster.run_by_a_person if place == "laptop" else partial(cluster.run, "release")
    code, (answer,), printed = run("deploy", "dev", "api", f"--image={wanted}", "--watch-for=10", "--ready-within=120")
    assert (code, answer["outcome"]) == (ExitCode.ROLLED_BACK, "rolled_back"), printed
    told = "the smoke test failed: " if fault is Fault.SMOKE_TEST else "worse after the switch"
    assert told in answer["message"]


@pytest.mark.parametrize(
    ("place", "environment", "by"),
    [("pod", "prod", username(RELEASE)), ("laptop", "dev", PERSON)],
    ids=["pod", "laptop"],
)
def test_every_command_does_its_work_with_the_rights_of_its_place(
    cluster: Cluster, place: str, environment: str, by: str
) -> None:
    """After somebody changed the selector by hand, and died with the lock; then a release, and the way back."""
    service, clock, wanted = "gateway", SystemClock(), cluster.image("gateway", f"from-{place}")
    record = verification.Record(wanted.rpartition("@")[2], "test", clock.now())
    verification.write(cluster.api, service, record, in_use=())
    before = observe(cluster.api, environment, service, now=clock.now())
    selector = [{"op": "replace", "path": "/spec/selector/slot", "value": "canary"}]
    cluster.api.json_patch("v1", "Service", service, selector, namespace=environment)
    assert Lock(cluster.api, environment, service, "somebody/who died", clock).acquire() is None
    work = {
        "status": ["status", environment, service],
        "locked": ["repair", environment, service, "--yes"],
        "unlock": ["unlock", environment, service, "--yes"],
        "repair": ["repair", environment, service, "--yes"],
        "deploy": ["deploy", environment, service, f"--image={wanted}", "--watch-for=0.5", "--ready-within=120"],
        "switch": ["switch", environment, service, "--watch-for=0.5"],
        "retire": ["retire", environment, service, "--now", "--yes"],
        "rollback": ["rollback", environment, service, "--ready-within=120"],
        "both": ["status"],
        "history": ["history", environment, service],
    }
    run = cluster.run_all_by_a_person if place == "laptop" else partial(cluster.run_all, "release")
    done = dict(zip(work, run(list(work.values())), strict=True))
    expected = dict.fromkeys(work, ExitCode.DONE) | {"status": ExitCode.NOT_READY, "locked": ExitCode.LOCKED}
    assert {name: one.printed for name, one in done.items() if one.code != expected[name]} == {}

    told = {name: one.answer[0].get("message") for name, one in done.items()}
    assert done["status"].answer[0]["lock"]["holder"] == "somebody/who died"
    assert "canary" in str(done["status"].answer[0]["problems"])
    assert told["unlock"] == "is unlocked; somebody/who died held the lock"
    assert told["repair"] == f"repaired: slot {before.live} is live"
    live = {name: done[name].answer[0]["image"] for name in ("deploy", "switch", "rollback")}
    assert before.live_slot.revision is not None
    assert live == {"deploy": wanted, "switch": before.live_slot.revision.image, "rollback": wanted}
    assert {(one["environment"], one["service"], one["healthy"]) for one in done["both"].answer} == {
        (each, service, True) for each in ("dev", "prod") for service in cluster.services
    }
    newest = [(one["action"], one["outcome"], one["by"]) for one in done["history"].answer[:3]]
    assert newest == [(action, "released", by) for action in ("rollback", "switch", "deploy")]


@pytest.mark.parametrize("place", ["pod", "laptop"])
def test_who_releases_verifies_nothing(cluster: Cluster, place: str) -> None:
    run = cluster.run_by_a_person if place == "laptop" else partial(cluster.run, "release")
    code, _, printed = run("verify", "dev", "gateway")
    assert code == ExitCode.FAILED, printed
    assert "forbidden" in printed


def test_githubs_jobs_release_verify_and_bring_to_prod_what_was_verified_last(cluster: Cluster, tmp_path: Path) -> None:
    image, repository = cluster.image("ai", "by-github"), cluster.outputs["repositories"]["ai"]
    github = ServiceRelease(cluster.kubectl, cluster.layout.kubeconfig, repository, tmp_path)
    released = github.run("release", "dev", image=image)
    assert released.ran == ["Install the release tool's packages", "Find the cluster", "Release"]
    check = 'test "$ENVIRONMENT $SERVICE" = "dev ai" && touch "$HOME/checked"'
    verified = github.run("verify", "dev", image=image, check=check)
    assert (verified.folder / "checked").exists()
    assert github.run("verify", "prod").ran == [], "prod verifies nothing"
    github.run("release", "prod")
    with pytest.raises(StepError, match="forbidden"):
        github.run("release", "dev", group=releasers("prod"), image=image)
    _, (entry, *_), _ = cluster.run_by_a_person("history", "prod", "ai")
    assert (entry["by"], entry["image"]) == (USER, image)
