"""The minor version of Kubernetes before the platform's: its programs, and the program for it."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from rehearsal import toolchain, workspace
from rehearsal.layout import CHECKOUT
from rehearsal.processes import Report
from rehearsal.toolchain import Toolchain
from tests import programs

VERSIONS = {
    "KUBERNETES": ".".join(programs.KUBERNETES_BEFORE.version.split(".")[:2]),
    "NODE_IMAGE_RELEASE": f"{programs.KUBERNETES_BEFORE.version}-20260901",
    "KUBE_PROXY": f"v{programs.KUBERNETES_BEFORE.version}-eksbuild.2",
    "CLUSTER_AUTOSCALER": "1.35.0",
    "COREDNS": "v1.13.2-eksbuild.1",
}
"""What `versions.py` had with it."""

ONLY_NOW = re.compile(
    r"^(cordoned_nodes|forward_actions) = .*\n|^from .* import (CordonedNodes|ForwardActions)\n"
    r"|, cordoned_nodes, forward_actions(?=\])",
    re.MULTILINE,
)
"""What the program has that the minor version before lacks: MutatingAdmissionPolicy is in v1 since 1.36.

https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/3962-mutating-admission-policies
"""


def write_program(folder: Path) -> Path:
    """This checkout, with the versions of the minor version before, and without what that lacks."""
    folder.mkdir()
    for entry in CHECKOUT.iterdir():
        if not entry.name.startswith((".", "__pycache__", "__main__.py", "versions.py")):
            (folder / entry.name).symlink_to(entry)
    program, number = ONLY_NOW.subn("", (CHECKOUT / "__main__.py").read_text())
    assert number == 5
    (folder / "__main__.py").write_text(program)
    text = (CHECKOUT / "versions.py").read_text()
    for name, version in VERSIONS.items():
        text, number = re.subn(rf"^{name} = .*$", f'{name} = "{version}"', text, flags=re.MULTILINE)
        assert number == 1, name
    (folder / "versions.py").write_text(text)
    return folder


@contextmanager
def used(program: Path) -> Generator[None]:
    """Rehearsals run a program of `write_program`, with the Kubernetes that it asks for."""
    found, before = toolchain.find(), programs.find(programs.KUBERNETES_BEFORE)
    assert found is not None
    assert before is not None

    def ensure(_report: Report) -> Toolchain:
        return replace(found, kubernetes=before)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(toolchain, "ensure", ensure)
        patch.setattr(workspace, "CHECKOUT", program)
        yield
