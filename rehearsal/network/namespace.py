"""A network of the rehearsal's own: a network namespace, in which every address is local and none is the machine's.

Pods and nodes have the addresses of their VPC there, two rehearsals beside each other may have the same ones, and none
of them is in the way of what this machine reaches. No root is needed where users may make namespaces.
https://man7.org/linux/man-pages/man7/network_namespaces.7.html
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.network.enter import find, search_path
from rehearsal.processes import ProcessTable, Program, Record, tail

HOLDER = "network"
"""Name of the program that keeps the namespace while nothing else is in it."""

PATIENCE = 30.0
"""Seconds that the set-up may take; it is a few commands."""

OWN_ADDRESS = "198.18.0.1"
"""From where its programs call, and from where nodes hand on what comes in by a NodePort.

Of a range that no VPC has, for tests of networks (https://www.rfc-editor.org/rfc/rfc2544).
"""

_TOOLS = {"unshare": "util-linux", "nsenter": "util-linux", "ip": "iproute2", "nft": "nftables"}
"""What is needed, and the package that Linux distributions have it in."""

# Whatever address is called, it is one of ours: a local route for all of them (ip-route(8)). The trial also asks nft
# for what kube-proxy will ask of it, since a kernel may have no nf_tables.
_SET_UP = (
    "ip link set lo up"
    f" && ip address add {OWN_ADDRESS}/32 dev lo"
    f" && ip route add local 0.0.0.0/0 dev lo src {OWN_ADDRESS}"
)
_TRIAL = f"{_SET_UP} && nft 'add table ip trial; add chain ip trial nat {{ type nat hook output priority -100; }}'"
_READY = "ready"


def refusal() -> str | None:
    """Why no namespace can be had here, and what to do, in one clause; None if one can."""
    if sys.platform != "linux":
        return "network namespaces are Linux's own; use a virtual machine or a container with Linux"
    missing = [tool for tool in _TOOLS if find(tool) is None]
    if missing:
        packages = dict.fromkeys(_TOOLS[tool] for tool in missing)
        return f"{' and '.join(missing)} cannot be found; install {' and '.join(packages)}"
    reasons: list[str] = []
    for flags in _ways():
        variables = {**os.environ, "PATH": search_path(), "LC_ALL": "C"}
        command = ["unshare", *flags, "sh", "-c", _TRIAL]
        trial = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        if trial.returncode == 0:
            return None
        reasons.append((trial.stderr.strip().splitlines() or ["without a reason"])[-1])
    return (
        f"a network namespace is refused ({'; '.join(reasons)}); be root, or let users make namespaces "
        f"(sysctl kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)"
    )


def find_holder(table: ProcessTable) -> Record | None:
    """The program that holds the rehearsal's namespace, if there is one."""
    return next((record for record in table.running() if record.name == HOLDER), None)


def make(table: ProcessTable, logs: Path) -> Record:
    """Makes the namespace, and starts the program that holds it.

    Raises:
        RehearsalError: It cannot be made; `refusal` says why not.
    """
    script = f"{_SET_UP} && echo {_READY} && exec sleep infinity"
    log = logs / f"{HOLDER}.log"
    for flags in _ways():
        command = (find("unshare") or "unshare", *flags, "sh", "-c", script)
        record = table.start(Program(HOLDER, command, log, {"PATH": search_path()}))
        if _became_ready(table, log):
            return record
        table.stop([HOLDER])
    raise RehearsalError(
        f"The rehearsal's network namespace could not be made:\n{tail(log)}",
        remedy="run the command again; where no namespace can be had, it says so and goes on without traffic.",
    )


def _ways() -> tuple[tuple[str, ...], ...]:
    """Flags of `unshare`. Root needs no user namespace; in a container, it may have the right to this one only."""
    as_user = ("--user", "--map-root-user", "--net")
    return (("--net",), as_user) if os.geteuid() == 0 else (as_user,)


def _became_ready(table: ProcessTable, log: Path) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and table.is_running(HOLDER):
        if log.read_text().strip() == _READY:
            return True
        time.sleep(0.02)
    return False
