"""The real ECK operator, outside the cluster, and what makes the volumes that its pods claim.

For as long as no pod of the operator's runs here: it waits for the chart's StatefulSet, and begins in its namespace.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from rehearsal.layout import CHECKOUT, DIRECTORY_VARIABLE, Layout
from rehearsal.network import namespace
from rehearsal.processes import ProcessTable, Program
from rehearsal.toolchain import Toolchain
from release.kubernetes_api import KubernetesApi

NAME = "elastic-operator"
VOLUMES = "volumes"
NAMES = (NAME, VOLUMES)

_OPERATOR_OBJECT = ("apps/v1", "StatefulSet", NAME)
_SECONDS_BETWEEN_LOOKS = 0.5


def start(layout: Layout, toolchain: Toolchain) -> None:
    """Starts what does not run of the two.

    Raises:
        RehearsalError: One cannot be started.
    """
    table = ProcessTable(layout.processes)
    holder = namespace.find_holder(table)
    network = holder.pid if holder else None
    commands = {
        NAME: ("-m", "rehearsal.elastic_operator", str(toolchain.eck_operator)),
        VOLUMES: ("-m", "rehearsal.stand_ins.volumes"),
    }
    variables = {DIRECTORY_VARIABLE: str(layout.directory), "PYTHONPATH": str(CHECKOUT)}
    for name, arguments in commands.items():
        if not table.is_running(name):
            table.start(Program(name, (sys.executable, *arguments), layout.logs / f"{name}.log", variables, network))


def _await_namespace(api: KubernetesApi) -> str:
    """The namespace of the operator's StatefulSet, once there is one."""
    while True:
        for one in api.list(*_OPERATOR_OBJECT[:2]):
            if one["metadata"]["name"] == NAME:
                return str(one["metadata"]["namespace"])
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _become(operator: Path) -> None:
    """Turns this process into the operator, once the cluster has its StatefulSet."""
    layout = Layout.of_environment()
    here = _await_namespace(KubernetesApi(layout.kubeconfig))
    arguments = [
        str(operator),
        "manager",
        "--enable-webhook=false",
        "--enable-leader-election=false",
        "--disable-telemetry",
        "--disable-config-watch",
        "--validate-storage-class=false",
        "--metrics-port=0",
        f"--namespaces={here}",
        f"--operator-namespace={here}",
    ]
    os.execve(operator, arguments, {**os.environ, "KUBECONFIG": str(layout.kubeconfig)})  # noqa: S606 - its own program


if __name__ == "__main__":
    _become(Path(sys.argv[1]))
