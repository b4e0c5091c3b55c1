"""What answers over HTTP in a rehearsal, where no container of a service runs: as the pod whose address is called."""

from __future__ import annotations

from rehearsal.layout import Layout
from rehearsal.processes import Program, of_module

NAME = "pod-simulator"


def program(layout: Layout, namespace: int) -> Program:
    """The program that answers, for as long as the control plane runs.

    Args:
        layout: The rehearsal.
        namespace: Id of the process in whose network namespace pods have their addresses.
    """
    return of_module(layout, NAME, "rehearsal.pod_simulator", namespace=namespace)


def release_environment() -> dict[str, str]:
    """Variables of `python -m release` in a rehearsal: ECR is a stand-in that no tool but the engine can ask."""
    return {"HELLO_RELEASE_IMAGE_TAGS": "false"}
