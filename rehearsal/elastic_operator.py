"""The real ECK operator, outside the cluster, and what makes the volumes that its pods claim."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rehearsal import toolchain
from rehearsal.layout import CHECKOUT, DIRECTORY_VARIABLE, Layout
from rehearsal.network import namespace
from rehearsal.processes import ProcessTable, Program
from release.kubernetes_api import KubernetesApi

NAME = "elastic-operator"
VOLUMES = "volumes"
NAMES = (NAME, VOLUMES)

_OPERATOR_OBJECT = ("apps/v1", "StatefulSet", NAME)


def start(layout: Layout, *, namespaces: Sequence[str]) -> None:
    """Starts what does not run of the two.

    Args:
        layout: The rehearsal.
        namespaces: Those that the operator looks at; the first is its own.

    Raises:
        RehearsalError: One cannot be started.
    """
    table = ProcessTable(layout.processes)
    holder = namespace.find_holder(table)
    network = holder.pid if holder else None
    for program in (_operator(layout, namespaces, network), _volumes(layout, network)):
        if not table.is_running(program.name):
            table.start(program)


def stop(layout: Layout) -> None:
    """Ends both. What does not run is no error."""
    ProcessTable(layout.processes).stop(NAMES)


def resume(layout: Layout, api: KubernetesApi) -> None:
    """Starts them again after this machine or its network was, where the cluster has the operator's pod."""
    for one in api.list(*_OPERATOR_OBJECT[:2]):
        if one["metadata"]["name"] == NAME:
            start(layout, namespaces=[str(one["metadata"]["namespace"])])


def _operator(layout: Layout, namespaces: Sequence[str], network: int | None) -> Program:
    return Program(
        NAME,
        (
            str(toolchain.eck_operator()),
            "manager",
            "--enable-webhook=false",
            "--enable-leader-election=false",
            "--disable-telemetry",
            "--disable-config-watch",
            "--validate-storage-class=false",
            "--metrics-port=0",
            f"--namespaces={','.join(namespaces)}",
            f"--operator-namespace={namespaces[0]}",
        ),
        layout.logs / f"{NAME}.log",
        {"KUBECONFIG": str(layout.kubeconfig)},
        network,
    )


def _volumes(layout: Layout, network: int | None) -> Program:
    return Program(
        VOLUMES,
        (sys.executable, "-m", "rehearsal.stand_ins.volumes"),
        layout.logs / f"{VOLUMES}.log",
        {DIRECTORY_VARIABLE: str(layout.directory), "PYTHONPATH": str(CHECKOUT)},
        network,
    )
