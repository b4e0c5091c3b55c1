"""Go programs that only the tests need; `python -m tests.programs` builds them, and the rehearsal's toolchain."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from rehearsal import toolchain
from rehearsal.errors import RehearsalError
from rehearsal.toolchain.builds import build, built
from rehearsal.toolchain.tools import KUBERNETES, GoTool

KUBE_SCORE = GoTool("kube-score", "github.com/zegl/kube-score", "cmd/kube-score", minutes=0.5)
"""A scanner of manifests."""

ACTIONLINT = GoTool("actionlint", "github.com/rhysd/actionlint", "cmd/actionlint", minutes=0.5)
"""A linter of GitHub's workflows."""

BUILDKITD = GoTool("buildkitd", "github.com/moby/buildkit", "cmd/buildkitd", minutes=2, module_of_ours="buildkit")
"""The daemon that builds images."""

BUILDCTL = GoTool("buildctl", "github.com/moby/buildkit", "cmd/buildctl", minutes=0.5, module_of_ours="buildkit")
"""Client of buildkitd, which pipelines call."""

BUILDX = GoTool("buildx", "github.com/docker/buildx", "cmd/buildx", minutes=1.5)
"""Client of buildkitd, which GitHub's workflows call by docker; needs no daemon of its own."""

ROOTLESSKIT = GoTool("rootlesskit", "github.com/rootless-containers/rootlesskit/v3", "cmd/rootlesskit", minutes=0.5)
"""Runs buildkitd as root of a user namespace only; at the version in buildkitd's rootless image."""

PROMETHEUS = GoTool(
    "prometheus", "github.com/prometheus/prometheus", "cmd/prometheus", minutes=1.5, tags="remove_all_sd"
)
"""The metrics server, without clouds' service discoveries; its module mostly has the library versions of `shared`."""

KUBERNETES_BEFORE = replace(KUBERNETES, module_of_ours="kubernetes-before")
"""Kubernetes at the minor version before the platform's: what an upgrade begins with."""

PROGRAMS = (KUBERNETES_BEFORE, KUBE_SCORE, ACTIONLINT, BUILDKITD, BUILDCTL, BUILDX, ROOTLESSKIT, PROMETHEUS)


def find(tool: GoTool) -> Path | None:
    """Path of a program, or None if it is not built."""
    folder = built(tool, toolchain.cache())
    return folder / tool.name if folder else None


def ensure(report: Callable[[str], None]) -> None:
    """Builds missing programs: the toolchain's, and `PROGRAMS`.

    Raises:
        RehearsalError: Go is missing and cannot be installed, or a build failed.
    """
    toolchain.ensure(report)
    for tool in PROGRAMS:
        build(tool, toolchain.cache(), report, label="for the tests")


if __name__ == "__main__":
    try:
        ensure(Console().print)
    except RehearsalError as error:
        sys.exit(str(error))
