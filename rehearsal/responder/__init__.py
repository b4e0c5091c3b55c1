"""What answers over HTTP in a rehearsal, where no container of a service runs: as the pod whose address is called."""

from __future__ import annotations

import sys

from rehearsal import ports
from rehearsal.layout import CHECKOUT, DIRECTORY_VARIABLE, Layout
from rehearsal.network import namespace as network
from rehearsal.processes import ProcessTable, Program

NAME = "responder"


def program(layout: Layout, namespace: int | None, by_name: int | None = None) -> Program:
    """The program that answers, for as long as the control plane runs.

    Args:
        layout: The rehearsal.
        namespace: Id of the process in whose network namespace pods have their addresses, or None.
        by_name: A port of loopback on which it stands for all Services, where there is no such namespace.
    """
    variables = {"PYTHONPATH": str(CHECKOUT), DIRECTORY_VARIABLE: str(layout.directory)}
    place = () if by_name is None else ("by-name", str(by_name))
    command = (sys.executable, "-m", "rehearsal.responder", *place)
    return Program(NAME, command, layout.logs / f"{NAME}.log", variables, namespace)


def release_environment(layout: Layout) -> dict[str, str]:
    """Variables with which `python -m release` reaches a rehearsal's services: none but one where pods have addresses.

    Without a network namespace the API server reaches no pod, and the responder stands for the Services.
    """
    # ECR is a stand-in that no tool but the engine can ask.
    variables = {"HELLO_RELEASE_IMAGE_TAGS": "false"}
    if network.find_holder(ProcessTable(layout.processes)) is None:
        port = ports.ensure(layout.control_plane / "ports.json").responder
        variables["HELLO_RELEASE_THROUGH"] = f"http://{ports.LOOPBACK}:{port}/{{environment}}/{{service}}"
    return variables
