"""A cluster with everything that the program creates, a registry, and agents with the program's identities."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from kube.client import KubernetesApi
from rehearsal import control_plane as kubernetes
from rehearsal.layout import Layout
from rehearsal.toolchain import Toolchain
from tests.delivery.buildkit import SIGNED, Delivery
from tests.delivery.workshop import SERVICE, Workshop, missing, opened
from tests.rehearsal.conftest import tools  # noqa: F401 - a fixture  # pyright: ignore[reportUnusedImport]
from tests.release import identities
from tests.unit.program import configured, stack_config

REPOSITORY = identities.repository(SERVICE)


@pytest.fixture(scope="module")
def workshop(tools: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:  # noqa: F811
    """All of it, running."""
    if reason := missing():
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("workshop")
    layout = Layout(folder / "cluster")
    kubernetes.start(layout, tools, print)
    try:
        api = KubernetesApi(layout.kubeconfig)
        identities.add_nodes(api)
        config = {**stack_config(identities.STACK), **SIGNED}
        identities.apply_the_program(api, configured(config, stack=identities.STACK))
        delivery = Delivery(identities.STACK, config)
        with opened(delivery, layout.kubeconfig, folder) as running:
            yield running
    finally:
        kubernetes.stop(layout)
