"""Containers that run: a kubelet for pods all of whose images are programs that this machine has."""

from __future__ import annotations

import json

from rehearsal.layout import Layout
from rehearsal.network.enter import find, search_path
from rehearsal.processes import Program, of_module
from rehearsal.toolchain import Toolchain

NAME = "kubelet"


def program(layout: Layout, toolchain: Toolchain, namespace: int) -> Program:
    """The kubelet of all nodes for such pods. What it mounts is seen by itself and its containers only.

    Args:
        layout: The rehearsal.
        toolchain: Where the programs of images are.
        namespace: Id of the process in whose network namespace nodes have their addresses.
    """
    names = ("eck_operator", "load_balancer_controller", "coredns", "metrics_server")
    programs = json.dumps({name: str(getattr(toolchain, name)) for name in names})
    return of_module(
        layout,
        NAME,
        "rehearsal.kubelet",
        programs,
        namespace=namespace,
        before=(find("unshare") or "unshare", "--mount", "--"),
        variables={"PATH": search_path()},
    )
