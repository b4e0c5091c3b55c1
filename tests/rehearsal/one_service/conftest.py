"""A rehearsal of one service, since each run takes less time with fewer resources: interrupted, then upgraded.

It comes up at the minor version of Kubernetes before the platform's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from rehearsal import control_plane
from rehearsal.layout import Layout
from rehearsal.lifecycle import Rehearsal
from rehearsal.toolchain import Toolchain
from tests import programs
from tests.rehearsal.one_service.before import write_program
from tests.unit.program import stack_file

SERVICE = "frontend"
"""It needs no other."""


@pytest.fixture(scope="package")
def program_before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program for the minor version before."""
    return write_program(tmp_path_factory.mktemp("before") / "program")


@pytest.fixture(scope="package")
def rehearsal(tools: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """A rehearsal that the first test brings up; afterwards its processes are ended, without a destroy."""
    assert tools.pulumi
    if programs.find(programs.KUBERNETES_BEFORE) is None:
        reason = "Kubernetes of the minor version before is not built: `.venv/bin/python -m tests.programs`"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    folder = tmp_path_factory.mktemp("one-service")
    settings = stack_file("dev")["config"]
    settings["hello-platform:services"] = {SERVICE: settings["hello-platform:services"][SERVICE]}
    settings["hello-platform:releasesPage"] = {"enabled": False}
    (folder / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": settings}))
    made = Rehearsal("dev", Layout(folder / "up"), Console(file=StringIO()), stacks=folder)
    try:
        yield made
    finally:
        control_plane.stop(made.layout)
