"""A rehearsal's control plane starts what is missing, keeps its data, and leaves no process behind."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import psutil
import pytest
import yaml

from rehearsal import control_plane as kubernetes
from rehearsal import ports
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.processes import ProcessTable
from rehearsal.toolchain import Toolchain
from release.kubernetes_api import KubernetesApi, KubernetesObject
from tests.rehearsal.conftest import RunningControlPlane

KEPT: KubernetesObject = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "keep-me", "namespace": "default"},
}


def started(sentences: list[str]) -> list[str]:
    return [sentence.removeprefix("Starting ") for sentence in sentences if sentence.startswith("Starting ")]


@pytest.fixture(scope="module")
def first_start(
    tools: Toolchain, tmp_path_factory: pytest.TempPathFactory, control_plane: RunningControlPlane
) -> Iterator[tuple[Layout, list[str]]]:
    """A control plane beside the shared one, and what its first start reported."""
    layout = Layout(tmp_path_factory.mktemp("another rehearsal"))
    assert layout.directory != control_plane.layout.directory
    sentences: list[str] = []
    try:
        kubernetes.start(layout, tools, sentences.append)
        yield layout, sentences
    finally:
        kubernetes.stop(layout)


@pytest.fixture
def layout(first_start: tuple[Layout, list[str]], tools: Toolchain) -> Layout:
    """A control plane that runs, whatever the test before did to it."""
    kubernetes.start(first_start[0], tools, print)
    return first_start[0]


def test_a_second_rehearsal_starts_beside_a_first(
    first_start: tuple[Layout, list[str]], control_plane: RunningControlPlane
) -> None:
    layout, sentences = first_start
    assert started(sentences) == list(kubernetes.START_ORDER)
    KubernetesApi(layout.kubeconfig).create(KEPT)
    assert control_plane.api.get("v1", "ConfigMap", "keep-me", "default") is None


def test_a_second_start_starts_nothing(layout: Layout, tools: Toolchain) -> None:
    before = ProcessTable(layout.processes).running()
    sentences: list[str] = []
    kubernetes.start(layout, tools, sentences.append)
    assert sentences == []
    assert ProcessTable(layout.processes).running() == before


def test_a_killed_scheduler_is_all_that_the_next_start_starts(layout: Layout, tools: Toolchain) -> None:
    table = ProcessTable(layout.processes)
    (scheduler,) = [record for record in table.running() if record.name == "kube-scheduler"]
    process = psutil.Process(scheduler.pid)
    process.kill()
    process.wait()
    sentences: list[str] = []
    kubernetes.start(layout, tools, sentences.append)
    assert started(sentences) == ["kube-scheduler"]


def test_it_listens_on_loopback_only(layout: Layout) -> None:
    listening = {
        (record.name, connection.laddr.ip)
        for record in ProcessTable(layout.processes).running()
        for connection in psutil.Process(record.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN and connection.laddr
    }
    # What writes the samples of metrics serves nothing.
    assert listening == {(name, "127.0.0.1") for name in kubernetes.START_ORDER if name != "metrics-server"}


def test_a_stop_ends_every_process_and_a_start_after_it_finds_the_data(layout: Layout, tools: Toolchain) -> None:
    KubernetesApi(layout.kubeconfig).apply({**KEPT, "data": {"kept": "yes"}}, field_manager="test")
    records, server = ProcessTable(layout.processes).running(), _server(layout)
    kubernetes.stop(layout)
    assert ProcessTable(layout.processes).running() == ()
    assert not [record for record in records if psutil.pid_exists(record.pid)]
    kubernetes.start(layout, tools, print)
    assert _server(layout) == server
    kept = KubernetesApi(layout.kubeconfig).get("v1", "ConfigMap", "keep-me", "default")
    assert kept is not None
    assert kept["data"] == {"kept": "yes"}


def test_a_port_that_something_else_holds_is_named(layout: Layout, tools: Toolchain) -> None:
    ProcessTable(layout.processes).stop(["kube-scheduler"])
    port = ports.ensure(layout.control_plane / "ports.json").scheduler
    with socket.create_server(("127.0.0.1", port)):
        wanted = rf"Port {port}.*kube-scheduler listens on, is taken by .*process {os.getpid()}"
        with pytest.raises(RehearsalError, match=wanted):
            kubernetes.start(layout, tools, print)


def test_a_program_that_ends_is_named_with_the_end_of_its_log(layout: Layout, tools: Toolchain) -> None:
    kubernetes.stop(layout)
    data, aside = layout.control_plane / "etcd", layout.control_plane / "etcd.aside"
    data.rename(aside)
    data.write_text("not a folder")
    try:
        with pytest.raises(RehearsalError, match=r"(?s)etcd ended while waiting for etcd.*etcd\.log.*not a directory"):
            kubernetes.start(layout, tools, print)
    finally:
        data.unlink()
        aside.rename(data)


def _server(layout: Layout) -> str:
    return yaml.safe_load(layout.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
