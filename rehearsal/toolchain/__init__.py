"""Programs of a rehearsal that PyPI does not have: found on this machine, or built from their Go modules."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import platformdirs

from rehearsal import plugins
from rehearsal.layout import DIRECTORY_VARIABLE
from rehearsal.toolchain.builds import DATA, build, built
from rehearsal.toolchain.tools import (
    COREDNS,
    ECK_OPERATOR,
    KUBERNETES,
    KUBERNETES_PROVIDER,
    KWOK,
    LOAD_BALANCER_CONTROLLER,
    METRICS_SERVER,
    PULUMI,
    TOOLS,
    GoTool,
)

CACHE_VARIABLE = "HELLO_PLATFORM_CACHE"
"""Environment variable with a cache folder to use instead of the user's."""


@dataclass(frozen=True)
class Toolchain:
    """Paths of the programs.

    Attributes:
        kubernetes_provider: The plugin `pulumi-resource-kubernetes`.
        kubernetes: One binary for etcd, kubectl, kube-apiserver, kube-controller-manager, kube-proxy and
            kube-scheduler, with a link of each of these names beside it.
        kwok_stages: Folder of the KWOK project's stages and metrics (YAML files).
        charts: Folder of each Helm chart, by name.
    """

    pulumi: Path
    kubernetes_provider: Path
    kubernetes: Path
    kwok: Path
    kwok_stages: Path
    eck_operator: Path
    load_balancer_controller: Path
    coredns: Path
    metrics_server: Path
    charts: Mapping[str, Path]

    def kubernetes_program(self, name: str) -> Path:
        """Path of a program of the Kubernetes binary, e.g. `kubectl`."""
        return self.kubernetes.with_name(name)


def cache() -> Path:
    """Folder of all builds; outside the checkout, so that checkouts share it."""
    named = os.environ.get(CACHE_VARIABLE)
    return (Path(named) if named else platformdirs.user_cache_path("hello-platform")) / "toolchain"


def find() -> Toolchain | None:
    """The toolchain if it is complete, else None; builds nothing."""
    installed = _installed()
    return None if _missing(installed) else _toolchain(installed)


def ensure(report: Callable[[str], None]) -> Toolchain:
    """The toolchain; missing programs are installed or built, which takes minutes and is reported.

    The kubernetes provider is a plugin that is named or installed, else a newly installed one, else built.

    Raises:
        RehearsalError: Go is missing and cannot be installed, or a build failed.
    """
    installed = _installed()
    missing = _missing(installed)
    labels = {tool: f"{number} of {len(missing)}" for number, tool in enumerate(missing, start=1)}
    if PULUMI in missing:  # needed to install the plugin
        build(PULUMI, cache(), report, label=labels[PULUMI])
    if KUBERNETES_PROVIDER not in installed:
        plugin = plugins.install(_toolchain(installed).pulumi, cache(), report)
        installed |= {KUBERNETES_PROVIDER: plugin} if plugin else {}
    for tool in _missing(installed):
        build(tool, cache(), report, label=labels[tool])
    return _toolchain(installed)


def fits(engine: str, sdk: str) -> bool:
    """Whether an engine, by the output of `pulumi version`, has the major and minor version of the Python SDK.

    Newer engines of the same major version should work, too, but the tests do not run with them.
    """
    return engine.removeprefix("v").split(".")[:2] == sdk.split(".")[:2]


def installed_engine() -> Path | None:
    """The `pulumi` on PATH that fits the SDK, if there is one; none of a rehearsal's own."""
    # They come first in `make shell`, and lead to the toolchain.
    rehearsal = Path(os.environ.get(DIRECTORY_VARIABLE, os.devnull))
    folders = os.environ.get("PATH", "").split(os.pathsep)
    path = os.pathsep.join(folder for folder in folders if not Path(folder).is_relative_to(rehearsal))
    if (program := shutil.which("pulumi", path=path)) is None:
        return None
    variables = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    run = subprocess.run([program, "version"], env=variables, capture_output=True, text=True, check=False)
    return Path(program).resolve() if run.returncode == 0 and fits(run.stdout, version("pulumi")) else None


def _installed() -> dict[GoTool, Path]:
    """Paths of installed programs, which need no build."""
    paths = {PULUMI: installed_engine(), KUBERNETES_PROVIDER: plugins.find_kubernetes_plugin(cache())}
    return {tool: path for tool, path in paths.items() if path is not None}


def _missing(installed: Mapping[GoTool, Path]) -> list[GoTool]:
    return [tool for tool in TOOLS if tool not in installed and built(tool, cache()) is None]


def _toolchain(installed: Mapping[GoTool, Path]) -> Toolchain:
    folders = {tool: cache() / tool.key for tool in TOOLS}
    programs = {tool: installed.get(tool, folder / tool.name) for tool, folder in folders.items()}
    return Toolchain(
        pulumi=programs[PULUMI],
        kubernetes_provider=programs[KUBERNETES_PROVIDER],
        kubernetes=programs[KUBERNETES],
        kwok=programs[KWOK],
        kwok_stages=folders[KWOK] / DATA,
        eck_operator=programs[ECK_OPERATOR],
        load_balancer_controller=programs[LOAD_BALANCER_CONTROLLER],
        coredns=programs[COREDNS],
        metrics_server=programs[METRICS_SERVER],
        charts={tool.name: folders[tool] / DATA / tool.name for tool in (ECK_OPERATOR, LOAD_BALANCER_CONTROLLER)},
    )
