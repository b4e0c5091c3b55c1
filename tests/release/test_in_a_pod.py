"""The tool as a pipeline runs it, in an agent's pod with its service account, and as a person does, on a laptop.

Nothing here tells the pod where the API server or a service is: its environment, its token and the cluster's DNS do.
The laptop reaches nothing but the API server, which takes it for a person who may release.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

import versions
from components.delivery.jenkins import agents
from components.delivery.jenkins.names import AGENT
from components.kubernetes.priority_classes import TOOLING
from contract.identities import DEPLOYERS
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
from release.errors import ExitCode
from tests.rehearsal.conftest import eventually
from tests.release.identities import STACK, apply_the_program
from tests.release.platform import node
from tests.unit.program import platform as graph_of
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

    def run(self, kind: str, *words: str) -> tuple[int, list[dict[str, Any]], str]:
        """The tool in a pod of a kind of agents: exit code, standard output as JSON, and all that it printed.

        Args:
            kind: `release` or `verify`.
            words: Its command line.
        """
        registry = self.outputs["repositories"]["api"].rpartition("/")[0]
        made = agents.pod(kind, f"{registry}/{AGENT}@sha256:{64 * 'a'}", environment="dev", priority_class=TOOLING)
        # Jenkins gives the command; images' tags in ECR are no part of this.
        made["spec"]["containers"][0]["command"] = ["python3", "-m", "release", *words, "--no-image-tags", "--json"]
        made["metadata"]["generateName"] = f"{kind}-"
        name = str(self.api.create(made)["metadata"]["name"])

        def status() -> dict[str, Any]:
            return (self.api.get("v1", "Pod", name, DELIVERY) or {}).get("status") or {}

        eventually(lambda: status().get("phase") in OVER, f"{name} ends: {words}", SECONDS)
        (ended,) = [one["state"]["terminated"] for one in status()["containerStatuses"]]
        printed = self._logs(name)
        at = printed.find("\n[") + 1
        return int(ended["exitCode"]), json.loads(printed[at:]) if at else [], printed

    def run_by_a_person(self, *words: str) -> tuple[int, list[dict[str, Any]], str]:
        """The same on a laptop, by a person who may release: `kubectl proxy` says who it is."""
        command = [self.kubectl, f"--kubeconfig={self.layout.kubeconfig}", "proxy", "--port=0"]
        command += [f"--as={PERSON}", f"--as-group={DEPLOYERS}", "--as-group=system:authenticated"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as proxy, TemporaryDirectory() as folder:
            try:
                assert proxy.stdout is not None
                address = proxy.stdout.readline().split()[-1]
                kubeconfig = Path(folder, "kubeconfig")
                kubeconfig.write_text(json.dumps(kubeconfig_of(f"http://{address}")))
                tool = [sys.executable, "-m", "release", *words, "--json", f"--kubeconfig={kubeconfig}"]
                own = {**os.environ, "HELLO_RELEASE_IMAGE_TAGS": "false"}
                run = subprocess.run(tool, capture_output=True, text=True, check=False, timeout=SECONDS, env=own)
            finally:
                proxy.terminate()
        return run.returncode, json.loads(run.stdout or "[]"), run.stdout + run.stderr

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
    with started(Layout(tmp_path_factory.mktemp("in a pod")), tools) as found:
        yield found


@contextmanager
def started(layout: Layout, tools: Toolchain, graph: Graph | None = None) -> Generator[Cluster]:
    """A cluster with the objects of a graph, else of the stack."""
    graph = graph or graph_of(STACK, preview=False)
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


def test_a_person_releases_and_goes_back_by_their_own_name(cluster: Cluster) -> None:
    wanted = f"--image={cluster.image('ai', 'by-hand')}"
    code, (answer,), printed = cluster.run_by_a_person(
        "deploy", "dev", "ai", wanted, "--watch-for=0.5", "--ready-within=120"
    )
    assert (code, answer["outcome"]) == (ExitCode.DONE, "done"), printed
    code, _, printed = cluster.run_by_a_person("rollback", "dev", "ai", "--ready-within=120")
    assert code == ExitCode.DONE, printed
    _, entries, _ = cluster.run_by_a_person("history", "dev", "ai")
    assert [(one["action"], one["by"]) for one in entries[:2]] == [("rollback", PERSON), ("deploy", PERSON)]


@pytest.mark.parametrize("place", ["pod", "laptop"])
def test_who_releases_verifies_nothing(cluster: Cluster, place: str) -> None:
    run = cluster.run_by_a_person if place == "laptop" else partial(cluster.run, "release")
    code, _, printed = run("verify", "dev", "gateway")
    assert code == ExitCode.FAILED, printed
    assert "forbidden" in printed
