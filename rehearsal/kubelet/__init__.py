"""A kubelet that runs pods as processes of this machine, if it has the programs of all their images."""

from __future__ import annotations

import json

from rehearsal.kubelet.images import BUILT
from rehearsal.layout import Layout
from rehearsal.network.enter import search_path, tool
from rehearsal.processes import Program, of_module
from rehearsal.toolchain import Toolchain

NAME = "kubelet"


def program(layout: Layout, toolchain: Toolchain, namespace: int) -> Program:
    """The kubelet, one process for all nodes, with a mount namespace of its own."""
    programs = json.dumps({name: str(getattr(toolchain, name)) for name in BUILT})
    return of_module(
        layout,
        NAME,
        "rehearsal.kubelet",
        programs,
        namespace=namespace,
        before=(tool("unshare"), "--mount", "--"),
        variables={"PATH": search_path()},
    )
