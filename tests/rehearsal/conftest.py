"""Fixtures of the tests with real programs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from rich.console import Console

from kube.client import KubernetesApi
from rehearsal import control_plane as kubernetes
from rehearsal import toolchain
from rehearsal.layout import Layout
from rehearsal.lifecycle import Rehearsal
from rehearsal.toolchain import Toolchain
from tests.rehearsal.stacks import FIRST_UPS, FirstUp, watched_processes
from tests.unit.program import FIXTURES


@dataclass(frozen=True)
class RunningControlPlane:
    """A control plane that runs while the tests of a file do: one that idles takes a twentieth of a core.

    Attributes:
        layout: Its files; `layout.kubeconfig` is the administrator's.
        api: A client of its API server with all rights.
    """

    layout: Layout
    api: KubernetesApi


def eventually(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Waits for what the control plane brings about in its own time; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)


@pytest.fixture(scope="session")
def tools() -> Toolchain:
    """The toolchain; where it is missing, tests that need it skip, and fail on CI."""
    found = toolchain.find()
    if found is None:
        reason = "the toolchain is not built: build it with `.venv/bin/python -m tests.programs`"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@contextmanager
def running_control_plane(tools: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningControlPlane]:
    """A control plane in a folder whose name has a space, as a checkout's may."""
    layout = Layout(tmp_path_factory.mktemp("a rehearsal"))
    kubernetes.start(layout, tools, print)
    try:
        yield RunningControlPlane(layout, KubernetesApi(layout.kubeconfig))
    finally:
        kubernetes.stop(layout)


@pytest.fixture(scope="module")
def control_plane(tools: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningControlPlane]:
    """One for the tests of a file."""
    with running_control_plane(tools, tmp_path_factory) as running:
        yield running


@pytest.fixture(scope="session", params=("dev", "prod"), ids=lambda stack: f"stack-{stack}")
def platform(
    request: pytest.FixtureRequest, tools: Toolchain, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Rehearsal]:
    """One of the tests' stacks, up; taken down by the last test or, if that fails, here."""
    assert tools.pulumi
    layout = Layout(tmp_path_factory.mktemp(f"stack-{request.param}") / "up")
    rehearsal = Rehearsal(request.param, layout, Console(record=True), stacks=FIXTURES)
    try:
        with watched_processes() as processes:
            rehearsal.up()
        log = (layout.logs / "pulumi-up.log").read_text()
        FIRST_UPS[request.param] = FirstUp(rehearsal.console.export_text(), log, frozenset(processes))
        yield rehearsal
        rehearsal.down()  # nothing is left to do after the last test, if that passed
    finally:
        kubernetes.stop(rehearsal.layout)
