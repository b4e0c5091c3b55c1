"""Containers that run: a kubelet for pods all of whose images are programs that this machine has."""

from __future__ import annotations

import sys

from rehearsal.layout import CHECKOUT, DIRECTORY_VARIABLE, Layout
from rehearsal.network.enter import find, search_path
from rehearsal.processes import Program

NAME = "kubelet"


def program(layout: Layout, namespace: int) -> Program:
    """The kubelet of all nodes for such pods. What it mounts is seen by itself and its containers only.

    Args:
        layout: The rehearsal.
        namespace: Id of the process in whose network namespace nodes have their addresses.
    """
    variables = {"PYTHONPATH": str(CHECKOUT), "PATH": search_path(), DIRECTORY_VARIABLE: str(layout.directory)}
    command = (find("unshare") or "unshare", "--mount", "--", sys.executable, "-m", "rehearsal.kubelet")
    return Program(NAME, command, layout.logs / f"{NAME}.log", variables, namespace)
