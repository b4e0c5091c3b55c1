"""A real control plane with services as the program creates them, and KWOK nodes whose pods fail on demand."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from contract.blue_green import SERVICE_PORT
from kube.client import KubernetesApi
from rehearsal import control_plane as kubernetes
from rehearsal.layout import Layout
from rehearsal.network import namespace as namespaces
from rehearsal.toolchain import Toolchain
from tests.rehearsal.conftest import eventually, tools  # noqa: F401 - a fixture  # pyright: ignore[reportUnusedImport]
from tests.release.platform import Platform, namespace, node
from tests.release.web import Web

ENVIRONMENTS = ("dev", "prod")


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """What answers for all services."""
    with Web(SERVICE_PORT) as running:
        yield running


@pytest.fixture
def traffic() -> None:
    """For the tool as a process of its own: it asks pods through the API server, which needs a network of its own."""
    if lacks := namespaces.refusal():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lacks)


@pytest.fixture(scope="module")
def platform(tools: Toolchain, web: Web, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:  # noqa: F811
    """Two environments with room for everything, and no service yet."""
    layout = Layout(tmp_path_factory.mktemp("releases"))
    kubernetes.start(layout, tools, print)
    try:
        api = KubernetesApi(layout.kubeconfig)
        api.create(node())
        for environment in ENVIRONMENTS:
            api.create(namespace(environment))
        for environment in ENVIRONMENTS:
            eventually(
                lambda name=environment: api.get("v1", "ServiceAccount", "default", name) is not None, "accounts"
            )
        yield Platform(api, layout.kubeconfig, web)
    finally:
        kubernetes.stop(layout)
