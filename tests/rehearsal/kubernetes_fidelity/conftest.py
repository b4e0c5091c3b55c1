"""What the fidelity tests share: they run against the stand-in, or the real plugin where one is named or installed.

HELLO_KUBERNETES_PLUGIN=/path/to/pulumi-resource-kubernetes pytest tests/rehearsal/kubernetes_fidelity
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes
import pytest

from rehearsal.nodes import NodeGroupSpec
from rehearsal.plugins import find_kubernetes_plugin
from rehearsal.toolchain import Toolchain
from release.kubernetes_api import KubernetesApi, KubernetesObject
from tests.instances import nodes
from tests.rehearsal.conftest import RunningControlPlane
from tests.rehearsal.engine_harness import EngineHarness, Program

STAND_IN = "rehearsal.stand_ins.kubernetes"
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
def plugin() -> Path | str:
    """The provider under test: a plugin's program, or the stand-in's module."""
    return find_kubernetes_plugin() or STAND_IN


@pytest.fixture(scope="session")
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
def engine(tmp_path: Path, tools: Toolchain, plugin: Path | str) -> EngineHarness:
    return EngineHarness(tmp_path / "engine", tools, {"pulumi-resource-kubernetes": plugin})


@pytest.fixture
def another_engine(tmp_path: Path, tools: Toolchain, plugin: Path | str) -> EngineHarness:
    return EngineHarness(tmp_path / "another", tools, {"pulumi-resource-kubernetes": plugin})


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
