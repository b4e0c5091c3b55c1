"""The API `metrics.k8s.io` where no container of a service runs: what `kubectl top` shows and autoscalers act on.

The API server itself serves it, from objects that a program beside it writes; EKS' add-on brings it in.
"""

from __future__ import annotations

import sys

from rehearsal.layout import CHECKOUT, DIRECTORY_VARIABLE, Layout
from rehearsal.processes import Program

NAME = "metrics-server"


def program(layout: Layout, namespace: int | None) -> Program:
    """The program that writes them, for as long as the control plane runs.

    Args:
        layout: The rehearsal.
        namespace: Id of the process in whose network namespace the control plane runs, or None.
    """
    variables = {"PYTHONPATH": str(CHECKOUT), DIRECTORY_VARIABLE: str(layout.directory)}
    command = (sys.executable, "-m", "rehearsal.metrics")
    return Program(NAME, command, layout.logs / f"{NAME}.log", variables, namespace)
