"""The API `metrics.k8s.io` of a cluster in which no container runs: what `kubectl top` shows and autoscalers act on.

The API server itself serves it, from objects that a program beside it writes; EKS' add-on brings it in.
"""

from __future__ import annotations

import sys

from rehearsal.layout import CHECKOUT, DIRECTORY_VARIABLE, Layout
from rehearsal.processes import Program

NAME = "metrics-server"


def program(layout: Layout) -> Program:
    """The program that writes them, for as long as the control plane runs."""
    variables = {"PYTHONPATH": str(CHECKOUT), DIRECTORY_VARIABLE: str(layout.directory)}
    return Program(NAME, (sys.executable, "-m", "rehearsal.metrics"), layout.logs / f"{NAME}.log", variables)
