"""What the tests of the kubernetes provider share: a namespace of a real API server, and small programs for it.

What the platform counts on is held here against the provider itself, whichever there is; what depends on its version
says so (`provider_version`).

HELLO_KUBERNETES_PLUGIN=/path/to/pulumi-resource-kubernetes pytest tests/rehearsal/kubernetes_provider
"""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pulumi
import pulumi_kubernetes
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2_grpc

from kube.client import KubernetesApi, KubernetesObject
from rehearsal.nodes import NodeGroupSpec
from rehearsal.toolchain import Toolchain
from tests.instances import nodes
from tests.rehearsal.conftest import RunningControlPlane, running_control_plane
from tests.rehearsal.engine_harness import EngineHarness, Program

MANAGER = "release"

k8s: Any = pulumi_kubernetes
"""The SDK, untyped: it types each dict of a spec anew, and these tests pass dicts around."""

Options = Callable[..., Any]
"""Makes resource options with the test's provider."""


@dataclass(frozen=True)
class Cluster:
    """A namespace of a real API server.

    Attributes:
        kubeconfig: Text of the administrator's kubeconfig.
        api: A client with all rights.
        namespace: The test's own namespace.
    """

    kubeconfig: str
    api: KubernetesApi
    namespace: str

    def program(self, declare: Callable[[Options], None], **provider_arguments: Any) -> Program:
        """A program that declares resources with a provider for this cluster."""

        def run() -> None:
            provider = k8s.Provider("cluster", **{"kubeconfig": self.kubeconfig, **provider_arguments})
            declare(partial(pulumi.ResourceOptions, provider=provider))

        return run

    def get(self, api_version: str, kind: str, name: str) -> KubernetesObject:
        """An object in the test's namespace that has to be there."""
        found = self.api.get(api_version, kind, name, self.namespace)
        assert found is not None, f"{kind} {name} is not there"
        return found

    def names(self, api_version: str, kind: str) -> list[str]:
        """The names of a kind's objects in the test's namespace."""
        return sorted(item["metadata"]["name"] for item in self.api.list(api_version, kind, namespace=self.namespace))


@pytest.fixture(scope="session")
def provider_version(tools: Toolchain) -> tuple[int, int]:
    """Major and minor version, as the provider itself says."""
    # Its argument is where its engine listens, which it calls when it has something to log.
    with subprocess.Popen([tools.kubernetes_provider, "127.0.0.1:1"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
                stub: Any = provider_pb2_grpc.ResourceProviderStub(channel)
                said = str(stub.GetPluginInfo(empty_pb2.Empty(), timeout=30).version)
        finally:
            process.terminate()
    major, minor, *_ = said.removeprefix("v").split(".")
    return int(major), int(minor)


@pytest.fixture(scope="package")
def control_plane(tools: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningControlPlane]:
    """One for all files: each test has a namespace of its own."""
    with running_control_plane(tools, tmp_path_factory) as running:
        yield running


@pytest.fixture(scope="module")
def node(control_plane: RunningControlPlane) -> Iterator[None]:
    """A node, so that pods run."""
    (only,) = nodes(
        NodeGroupSpec(
            name="fidelity",
            instance_type="m5.large",
            desired=1,
            labels={"environment": "fidelity"},
            taints=(),
            region="ap-northeast-2",
            subnets={"ap-northeast-2a": "10.10.0.0/18"},
        )
    )
    control_plane.api.create(only)
    yield
    control_plane.api.delete("v1", "Node", only["metadata"]["name"])


@pytest.fixture
def cluster(control_plane: RunningControlPlane) -> Iterator[Cluster]:
    name = f"fidelity-{uuid.uuid4().hex[:8]}"
    control_plane.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield Cluster(control_plane.layout.kubeconfig.read_text(), control_plane.api, name)
    control_plane.api.delete("v1", "Namespace", name)


@pytest.fixture
def engine(tmp_path: Path, tools: Toolchain) -> EngineHarness:
    return EngineHarness(tmp_path / "engine", tools, {"pulumi-resource-kubernetes": tools.kubernetes_provider})


def pod_template(*, labels: dict[str, str] | None = None, image: str = "img:1", cpu: str = "10m") -> dict[str, Any]:
    """A pod template in the SDK's spelling."""
    return {
        "metadata": {"labels": {"app": "api", **(labels or {})}},
        "spec": {"containers": [{"name": "api", "image": image, "resources": {"requests": {"cpu": cpu}}}]},
    }


def patient(seconds: int) -> dict[str, str]:
    """Annotations that set the longest wait."""
    return {"pulumi.com/timeoutSeconds": str(seconds)}


SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
