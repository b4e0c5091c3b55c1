"""The programs a rehearsal runs that Python's package index does not have: found, or built from their Go modules."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import platformdirs

from rehearsal.toolchain.builds import build, built
from rehearsal.toolchain.tools import ECK, FOR_TESTS, KUBERNETES, KWOK, LOAD_BALANCER_CONTROLLER, PULUMI, TOOLS, GoTool

CACHE_VARIABLE = "HELLO_PLATFORM_CACHE"
"""Environment variable that names another folder than the user's own cache folder for what is built."""


@dataclass(frozen=True)
class Toolchain:
    """Where the programs are.

    Attributes:
        pulumi: The engine's command line.
        kubernetes: One binary that is etcd, kubectl, kube-apiserver, kube-controller-manager, kube-proxy or
            kube-scheduler, by the name it is called by; links of those names stand beside it.
        kwok: The program that plays the kubelets.
        kwok_stages: Folder of the stages (YAML files) that kwok takes nodes and pods through.
        load_balancer_crds: Folder of the CustomResourceDefinitions (YAML files) of the AWS Load Balancer Controller.
    """

    pulumi: Path
    kubernetes: Path
    kwok: Path
    kwok_stages: Path
    load_balancer_crds: Path

    def kubernetes_program(self, name: str) -> Path:
        """The link by which the Kubernetes binary is the program of this name, e.g. `kubectl`."""
        return self.kubernetes.with_name(name)


def cache() -> Path:
    """Folder of all builds, outside any checkout, so that every checkout of the same versions shares them."""
    named = os.environ.get(CACHE_VARIABLE)
    return (Path(named) if named else platformdirs.user_cache_path("hello-platform")) / "toolchain"


def find() -> Toolchain | None:
    """The toolchain, if all of it is here already; builds nothing."""
    engine = _installed_engine() or _program(PULUMI.name, built(PULUMI, cache()))
    kubernetes, kwok, crds = (built(tool, cache()) for tool in (KUBERNETES, KWOK, LOAD_BALANCER_CONTROLLER))
    if engine is None or kubernetes is None or kwok is None or crds is None or built(ECK, cache()) is None:
        return None
    return _toolchain(engine, kubernetes, kwok, crds)


def ensure(report: Callable[[str], None]) -> Toolchain:
    """The toolchain; what is missing of it is built, which takes minutes and is said.

    Args:
        report: Takes a sentence on what goes on.

    Raises:
        RehearsalError: There is no Go to be had, or a build failed.
    """
    engine = _installed_engine()
    missing = [tool for tool in TOOLS if built(tool, cache()) is None and not (tool is PULUMI and engine)]
    for number, tool in enumerate(missing, start=1):
        build(tool, cache(), report, label=f"{number} of {len(missing)}")
    kubernetes, kwok, crds = (cache() / tool.key for tool in (KUBERNETES, KWOK, LOAD_BALANCER_CONTROLLER))
    return _toolchain(engine or cache() / PULUMI.key / PULUMI.name, kubernetes, kwok, crds)


def eck_operator() -> Path:
    """The ECK operator; there once a rehearsal has begun."""
    return cache() / ECK.key / ECK.name


def eck_crds() -> Path:
    """Its CustomResourceDefinitions, as YAML; there once a rehearsal has begun."""
    return cache() / ECK.key / "all-crds.yaml"


def find_for_tests(tool: GoTool) -> Path | None:
    """A program of `FOR_TESTS`, if it was built."""
    return _program(tool.name, built(tool, cache()))


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
        engine: What `pulumi version` prints, e.g. `v3.250.0`.
        sdk: Version of the Python package, e.g. `3.250.0`.
    """
    return _major_minor(engine) == _major_minor(sdk) is not None


def _installed_engine() -> Path | None:
    found = shutil.which("pulumi")
    if found is None:
        return None
    variables = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    run = subprocess.run([found, "version"], env=variables, capture_output=True, text=True, check=False)
    return Path(found) if run.returncode == 0 and fits(run.stdout, version("pulumi")) else None


def _major_minor(text: str) -> tuple[int, int] | None:
    found = re.match(r"v?(\d+)\.(\d+)\.", text.strip())
    return (int(found[1]), int(found[2])) if found else None


def _program(name: str, folder: Path | None) -> Path | None:
    return folder / name if folder else None


def load_balancer_crds() -> Path:
    """Folder of the AWS Load Balancer Controller's CustomResourceDefinitions; there once a rehearsal has begun."""
    return cache() / LOAD_BALANCER_CONTROLLER.key


def _toolchain(engine: Path, kubernetes: Path, kwok: Path, crds: Path) -> Toolchain:
    return Toolchain(
        pulumi=engine,
        kubernetes=kubernetes / KUBERNETES.name,
        kwok=kwok / KWOK.name,
        kwok_stages=kwok,
        load_balancer_crds=crds,
    )
