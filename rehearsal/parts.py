"""The parts of a rehearsal, real or stand-in, which `make up` prints first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from rich.console import RenderableType
from rich.table import Table

from rehearsal import plugins
from rehearsal.charts import Origin
from rehearsal.toolchain import Toolchain
from rehearsal.toolchain.tools import (
    COREDNS,
    ECK_OPERATOR,
    KUBERNETES,
    KUBERNETES_PROVIDER,
    KWOK,
    METRICS_SERVER,
    PULUMI,
)
from versions import AWS_LOAD_BALANCER_CONTROLLER_CHART as CONTROLLER


@dataclass(frozen=True)
class Part:
    """A part of the platform or of its tools; `here` is what runs in the rehearsal: the real program or a stand-in."""

    name: str
    here: str
    real: bool = True


def parts(tools: Toolchain, charts_from: Origin, *, containers_run: bool) -> list[Part]:
    """All parts, real ones first. `containers_run` is false without a network namespace."""
    as_pods = "as its pods, with their own rights" if containers_run else "not run: there is no network namespace"
    real = [
        Part("engine", f"Pulumi {PULUMI.version}"),
        Part("provider kubernetes", _provider(tools.kubernetes_provider)),
        Part("control plane", f"etcd and Kubernetes {KUBERNETES.version}, with kube-proxy"),
        Part("charts", charts_from.real),
    ]
    controllers = [
        Part("CoreDNS", f"{COREDNS.version}, {as_pods}", real=containers_run),
        Part("metrics-server", f"{METRICS_SERVER.version}, {as_pods}, fed by KWOK", real=containers_run),
        Part("ECK operator", f"{ECK_OPERATOR.version}, {as_pods}", real=containers_run),
        Part("load balancer controller", f"{CONTROLLER}, {as_pods}", real=containers_run),
    ]
    reduced = f"{', '.join(charts_from.ours)}: reduced charts, with what the real ones render of this platform's values"
    emulated = [
        Part("AWS API", f"moto {version('moto')}, with a journal that preserves the account", real=False),
        Part("providers aws, eks", "emulators on the AWS API, with the rules of AWS that they name", real=False),
        *([Part("charts", reduced, real=False)] if charts_from.ours else []),
        Part("load balancers", "HAProxy, configured from what the AWS API describes", real=False),
        Part("nodes and all other pods", f"KWOK {KWOK.version}; the pod simulator answers their requests", real=False),
    ]
    return [*real, *controllers, *emulated]


def table(shown: Sequence[Part]) -> RenderableType:
    """The parts as a table."""
    lines = Table(show_header=False, box=None, pad_edge=False)
    for _ in range(2):
        lines.add_column(no_wrap=True)
    lines.add_column(overflow="fold")
    for part in shown:
        lines.add_row("real" if part.real else "stand-in", part.name, part.here, style="" if part.real else "yellow")
    return lines


def _provider(program: Path) -> str:
    """Origin of the kubernetes provider: a plugin's path, or the Go module that it was built from."""
    if program.parent.name != KUBERNETES_PROVIDER.key:
        return str(program)
    return (
        f"from its Go module of January 2026, between 4.24 and 4.25, as {plugins.wanted()} could not be installed: "
        "it takes over an object that exists"
    )
