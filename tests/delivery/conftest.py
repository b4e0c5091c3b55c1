"""A cluster with everything that the program creates, a registry, and agents with the program's identities."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from config import PROJECT
from kube.client import KubernetesApi
from rehearsal import control_plane as kubernetes
from rehearsal.layout import Layout
from rehearsal.toolchain import Toolchain
from tests.delivery.buildkit import SIGNED, Delivery
from tests.delivery.workshop import Site, Source, Workshop, missing, opened, opened_site, source
from tests.rehearsal.conftest import tools  # noqa: F401 - a fixture  # pyright: ignore[reportUnusedImport]
from tests.release import identities
from tests.unit.program import configured, stack_config

DOCKER_HUB = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:ecr-pullthroughcache/hub-a1b2c3"


def dev() -> Delivery:
    """Of the stack dev, with certificates of its own, images that are signed, and a login of Docker Hub."""
    settings, key = {**stack_config("dev"), **SIGNED}, f"{PROJECT}:cluster"
    cluster = {**json.loads(settings[key]), "dockerHubSecretArn": DOCKER_HUB}
    return Delivery("dev", {**settings, key: json.dumps(cluster)})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """What builds images and keeps them, without a cluster."""
    if reason := missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    with opened_site(dev(), tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """A service's, empty."""
    return source(tmp_path_factory.mktemp("repository") / "source")


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
