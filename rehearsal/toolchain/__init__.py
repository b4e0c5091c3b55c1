"""The programs a rehearsal runs that Python's package index does not have: found, or built from their Go modules."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
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
        pulumi: The engine's command line.
        kubernetes_provider: The engine's plugin `pulumi-resource-kubernetes`.
        kubernetes: One binary that is etcd, kubectl, kube-apiserver, kube-controller-manager, kube-proxy or
            kube-scheduler, by the name it is called by; links of those names stand beside it.
        kwok: The program that plays the kubelets.
        kwok_stages: Folder of the stages (YAML files) that kwok takes nodes and pods through.
        eck_operator: The operator of Elasticsearch and Kibana.
        load_balancer_controller: The AWS Load Balancer Controller.
        coredns: The cluster's DNS server.
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
    plan = _plan(None)
    return None if any(built(tool, cache()) is None for tool in plan.to_build) else _toolchain(plan)


def ensure(report: Callable[[str], None], kubernetes_plugin: Path | None = None) -> Toolchain:
    """The toolchain; what is missing of it is installed or built, which takes minutes and is said.

    Args:
        report: Takes a sentence on what goes on.
        kubernetes_plugin: A `pulumi-resource-kubernetes` to use; None for an installed one, else one that can be
            installed, else one that is built.

    Raises:
        RehearsalError: There is no Go to be had, or a build failed.
    """
    plan = _plan(kubernetes_plugin)
    missing = [tool for tool in plan.to_build if built(tool, cache()) is None]
    labels = {tool.name: f"{number} of {len(missing)}" for number, tool in enumerate(missing, start=1)}
    if plan.engine is None:
        build(PULUMI, cache(), report, label=labels.get(PULUMI.name, ""))
    if plan.provider is None:
        plan = replace(plan, provider=plugins.install(_toolchain(plan).pulumi, cache(), report))
    for tool in plan.to_build:
        build(tool, cache(), report, label=labels.get(tool.name, ""))
    return _toolchain(plan)


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
    """Whether an installed engine is used: its major and minor version are those of the Python SDK.

    Any newer engine of the same major version should do as well, but this pair is the one that the tests run with.

    Args:
        engine: What `pulumi version` prints, e.g. `v3.260.0`.
        sdk: Version of the Python package, e.g. `3.260.0`.
    """
    return _major_minor(engine) == _major_minor(sdk) is not None


def _installed_engine() -> Path | None:
    found = shutil.which("pulumi")
    if found is None:
        return None
    variables = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    run = subprocess.run([found, "version"], env=variables, capture_output=True, text=True, check=False)
    # In `make shell` it is a rehearsal's own link, which is about to be made anew.
    return Path(found).resolve() if run.returncode == 0 and fits(run.stdout, version("pulumi")) else None


def _major_minor(text: str) -> tuple[int, int] | None:
    found = re.match(r"v?(\d+)\.(\d+)\.", text.strip())
    return (int(found[1]), int(found[2])) if found else None


@dataclass(frozen=True)
class _Plan:
    """Which programs are installed here, and which are to be built.

    Attributes:
        engine: An installed engine, or None.
        provider: An installed kubernetes plugin, or None.
    """

    engine: Path | None
    provider: Path | None

    @property
    def to_build(self) -> list[GoTool]:
        own = [*([] if self.engine else [PULUMI]), *([] if self.provider else [KUBERNETES_PROVIDER])]
        return [*own, *(tool for tool in TOOLS if tool is not PULUMI)]


def _plan(kubernetes_plugin: Path | None) -> _Plan:
    return _Plan(_installed_engine(), kubernetes_plugin or plugins.find_kubernetes_plugin(cache()))


def _toolchain(plan: _Plan) -> Toolchain:
    def at(tool: GoTool) -> Path:
        return cache() / tool.key / tool.name

    return Toolchain(
        pulumi=plan.engine or at(PULUMI),
        kubernetes_provider=plan.provider or at(KUBERNETES_PROVIDER),
        kubernetes=at(KUBERNETES),
        kwok=at(KWOK),
        kwok_stages=cache() / KWOK.key / DATA,
        eck_operator=at(ECK_OPERATOR),
        load_balancer_controller=at(LOAD_BALANCER_CONTROLLER),
        coredns=at(COREDNS),
        charts={
            chart: cache() / tool.key / DATA / chart
            for chart, tool in (
                ("eck-operator", ECK_OPERATOR),
                ("aws-load-balancer-controller", LOAD_BALANCER_CONTROLLER),
            )
        },
    )
