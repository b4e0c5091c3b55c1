"""The programs a rehearsal runs that Python's package index does not have: found, or built from their Go modules."""

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
from rehearsal.toolchain.builds import DATA, build, built
from rehearsal.toolchain.tools import (
    COREDNS,
    ECK_OPERATOR,
    FOR_TESTS,
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
"""Environment variable that names another folder than the user's own cache folder for what is built."""


@dataclass(frozen=True)
class Toolchain:
    """Where the programs are.

    Attributes:
        kubernetes_provider: The engine's plugin `pulumi-resource-kubernetes`.
        kubernetes: One binary that is etcd, kubectl, kube-apiserver, kube-controller-manager, kube-proxy or
            kube-scheduler, by the name it is called by; links of those names stand beside it.
        kwok_stages: Folder of the stages (YAML files) that kwok takes nodes and pods through, and of its metrics.
        charts: Folders of Helm charts, by the chart's name.
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
        """The link by which the Kubernetes binary is the program of this name, e.g. `kubectl`."""
        return self.kubernetes.with_name(name)


def cache() -> Path:
    """Folder of all builds, outside any checkout, so that every checkout of the same versions shares them."""
    named = os.environ.get(CACHE_VARIABLE)
    return (Path(named) if named else platformdirs.user_cache_path("hello-platform")) / "toolchain"


def find() -> Toolchain | None:
    """The toolchain, if all of it is here already; builds nothing."""
    installed = _installed(None)
    return None if _missing(installed) else _toolchain(installed)


def ensure(report: Callable[[str], None], kubernetes_plugin: Path | None = None) -> Toolchain:
    """The toolchain; what is missing of it is installed or built, which takes minutes and is said.

    Where no `kubernetes_plugin` is named, an installed one is taken, else one that can be had, else it is built.

    Raises:
        RehearsalError: There is no Go to be had, or a build failed.
    """
    installed = _installed(kubernetes_plugin)
    missing = _missing(installed)
    labels = {tool: f"{number} of {len(missing)}" for number, tool in enumerate(missing, start=1)}
    if PULUMI in missing:  # which installs the plugin
        build(PULUMI, cache(), report, label=labels[PULUMI])
    if KUBERNETES_PROVIDER not in installed:
        plugin = plugins.install(_toolchain(installed).pulumi, cache(), report)
        installed |= {KUBERNETES_PROVIDER: plugin} if plugin else {}
    for tool in _missing(installed):
        build(tool, cache(), report, label=labels[tool])
    return _toolchain(installed)


def find_for_tests(tool: GoTool) -> Path | None:
    """A program of `FOR_TESTS`, if it was built."""
    folder = built(tool, cache())
    return folder / tool.name if folder else None


def ensure_for_tests(report: Callable[[str], None]) -> list[Path]:
    """All programs of `FOR_TESTS`, built where they are missing.

    Raises:
        RehearsalError: There is no Go to be had, or a build failed.
    """
    return [build(tool, cache(), report, label="for the tests") / tool.name for tool in FOR_TESTS]


def fits(engine: str, sdk: str) -> bool:
    """Whether an engine is used, by what its `pulumi version` prints: it has the Python SDK's major and minor version.

    Any newer engine of the same major version should do as well, but this pair is the one that the tests run with.
    """
    return engine.removeprefix("v").split(".")[:2] == sdk.split(".")[:2]


def _installed_engine() -> Path | None:
    found = shutil.which("pulumi")
    if found is None:
        return None
    variables = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    run = subprocess.run([found, "version"], env=variables, capture_output=True, text=True, check=False)
    # In `make shell` it is a rehearsal's own link, which is about to be made anew.
    return Path(found).resolve() if run.returncode == 0 and fits(run.stdout, version("pulumi")) else None


def _installed(kubernetes_plugin: Path | None) -> dict[GoTool, Path]:
    """The programs that are installed here, which need not be built."""
    provider = kubernetes_plugin or plugins.find_kubernetes_plugin(cache())
    found = {PULUMI: _installed_engine(), KUBERNETES_PROVIDER: provider}
    return {tool: path for tool, path in found.items() if path is not None}


def _missing(installed: Mapping[GoTool, Path]) -> list[GoTool]:
    return [tool for tool in TOOLS if tool not in installed and built(tool, cache()) is None]


def _toolchain(installed: Mapping[GoTool, Path]) -> Toolchain:
    def at(tool: GoTool) -> Path:
        return installed.get(tool) or cache() / tool.key / tool.name

    def data(tool: GoTool) -> Path:
        return cache() / tool.key / DATA

    charts = {"eck-operator": ECK_OPERATOR, "aws-load-balancer-controller": LOAD_BALANCER_CONTROLLER}
    return Toolchain(
        pulumi=at(PULUMI),
        kubernetes_provider=at(KUBERNETES_PROVIDER),
        kubernetes=at(KUBERNETES),
        kwok=at(KWOK),
        kwok_stages=data(KWOK),
        eck_operator=at(ECK_OPERATOR),
        load_balancer_controller=at(LOAD_BALANCER_CONTROLLER),
        coredns=at(COREDNS),
        metrics_server=at(METRICS_SERVER),
        charts={chart: data(tool) / chart for chart, tool in charts.items()},
    )
