"""A rehearsal's control plane starts what is missing, keeps its data, and leaves no process behind."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import yaml

from kube.client import KubernetesApi, KubernetesApiError, KubernetesObject
from rehearsal import control_plane as kubernetes
from rehearsal import ports
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.network import namespace
from rehearsal.processes import ProcessTable
from rehearsal.toolchain import Toolchain
from tests.rehearsal.conftest import RunningControlPlane

NETWORK = kubernetes.TRAFFIC[:2]

ALWAYS = (
    "etcd",
    "aws",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kwok",
    "volumes",
)
"""What runs with a network of its own and without, in the order of starting."""

EVERYTHING = [*NETWORK, *ALWAYS[:3], "kube-proxy", *ALWAYS[3:], "pod-simulator", "aws-endpoint", "kubelet"]
"""What runs with a network of its own, in the order of starting."""

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
    assert started(sentences) == EVERYTHING
    KubernetesApi(layout.kubeconfig).create(KEPT)
    assert control_plane.api.get("v1", "ConfigMap", "keep-me", "default") is None


def test_a_second_start_starts_nothing(layout: Layout, tools: Toolchain) -> None:
    before = ProcessTable(layout.processes).running()
    sentences: list[str] = []
    kubernetes.start(layout, tools, sentences.append)
    assert sentences == []
    assert ProcessTable(layout.processes).running() == before


def test_a_killed_scheduler_is_all_that_the_next_start_starts(layout: Layout, tools: Toolchain) -> None:
    kill(layout, "kube-scheduler")
    sentences: list[str] = []
    kubernetes.start(layout, tools, sentences.append)
    assert started(sentences) == ["kube-scheduler"]


@pytest.mark.parametrize("name", NETWORK)
def test_a_killed_part_of_the_network_comes_back_with_what_needs_it(
    layout: Layout, tools: Toolchain, name: str
) -> None:
    KubernetesApi(layout.kubeconfig).apply({**KEPT, "data": {"before": name}}, field_manager="test")
    before = ProcessTable(layout.processes).running()
    kill(layout, name)
    sentences: list[str] = []
    kubernetes.start(layout, tools, sentences.append)
    # Who held the network is gone: the others are still in it, and what is started would be in another.
    assert started(sentences) == (EVERYTHING if name == namespace.HOLDER else [name])
    left = [record for record in before if psutil.pid_exists(record.pid)]
    assert len(left) == (0 if name == namespace.HOLDER else len(before) - 1)
    kept = KubernetesApi(layout.kubeconfig).get("v1", "ConfigMap", "keep-me", "default")
    assert kept is not None
    assert kept["data"] == {"before": name}


def test_it_has_a_network_of_its_own_and_listens_on_loopback_only(layout: Layout) -> None:
    records = ProcessTable(layout.processes).running()
    (network,) = {Path(f"/proc/{record.pid}/ns/net").readlink() for record in records}
    assert network != Path("/proc/self/ns/net").readlink()
    outside = {
        (record.name, connection.laddr.ip)
        for record in records
        for connection in psutil.Process(record.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN and connection.laddr
    }
    assert outside == {("relay", "127.0.0.1")}


def test_without_a_namespace_it_says_so_once_and_runs_on_this_machines_network(
    layout: Layout, tools: Toolchain, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = _server(layout)
    kill(layout, namespace.HOLDER)
    monkeypatch.setattr(namespace, "refusal", lambda: "nft cannot be found; install nftables")
    sentences: list[str] = []
    kubernetes.start(layout, tools, sentences.append)
    (told,) = [sentence for sentence in sentences if "traffic" in sentence]
    assert told.startswith("No traffic in this rehearsal: nft cannot be found; install nftables.")
    assert started(sentences) == list(ALWAYS)
    assert _server(layout) == server
    assert KubernetesApi(layout.kubeconfig).list("v1", "Namespace")
    again: list[str] = []
    kubernetes.start(layout, tools, again.append)
    assert started(again) == []

    monkeypatch.undo()
    sentences.clear()
    kubernetes.start(layout, tools, sentences.append)
    assert started(sentences) == EVERYTHING


def test_a_stop_ends_every_process_and_a_start_after_it_finds_the_data(layout: Layout, tools: Toolchain) -> None:
    KubernetesApi(layout.kubeconfig).apply({**KEPT, "data": {"kept": "yes"}}, field_manager="test")
    records, server = ProcessTable(layout.processes).running(), _server(layout)
    kubernetes.stop(layout)
    assert ProcessTable(layout.processes).running() == ()
    assert not [record for record in records if psutil.pid_exists(record.pid)]
    kubernetes.start(layout, tools, print)
    assert _server(layout) == server
    assert "Successfully retrieved NodeIPs" in (layout.logs / "kube-proxy.log").read_text(), "it waited for 30 s"
    assert KubernetesApi(layout.kubeconfig).list("v1", "Node") == []
    kept = KubernetesApi(layout.kubeconfig).get("v1", "ConfigMap", "keep-me", "default")
    assert kept is not None
    assert kept["data"] == {"kept": "yes"}


def test_a_port_that_something_else_holds_is_named(layout: Layout, tools: Toolchain) -> None:
    ProcessTable(layout.processes).stop(["kube-scheduler", "relay"])
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


def kill(layout: Layout, name: str) -> None:
    (record,) = [record for record in ProcessTable(layout.processes).running() if record.name == name]
    process = psutil.Process(record.pid)
    process.kill()
    process.wait()


def _server(layout: Layout) -> str:
    return yaml.safe_load(layout.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]


def test_who_looks_for_a_kind_that_is_not_there_is_in_nobodys_way(control_plane: RunningControlPlane) -> None:
    """A controller's kinds go while others at work with the same client look for theirs."""
    api = control_plane.api

    def look(number: int) -> None:
        if number % 2:
            with pytest.raises(KubernetesApiError, match="no matches for kind"):
                api.list("nobody.example.com/v1", f"Gone{number}")
        else:
            api.list("v1", "Node")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(look, range(40)))
