"""The API `metrics.k8s.io` where no container of a service runs: what `kubectl top` shows and autoscalers act on.

The API server itself serves it, from objects that a program beside it writes; EKS' add-on brings it in.
"""

from __future__ import annotations

from rehearsal.layout import Layout
from rehearsal.processes import Program, of_module

NAME = "metrics-server"


def program(layout: Layout, namespace: int | None) -> Program:
    """The program that writes them, for as long as the control plane runs.

    Args:
        layout: The rehearsal.
        namespace: Id of the process in whose network namespace the control plane runs, or None.
    """
    return of_module(layout, NAME, "rehearsal.metrics", namespace=namespace)
