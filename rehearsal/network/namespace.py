"""The network namespace of a rehearsal, in which every IPv4 address is local.

Pods and nodes get their addresses in it. They collide neither with this machine's network nor with another rehearsal.
Root is not needed where unprivileged users may create user namespaces.
https://man7.org/linux/man-pages/man7/network_namespaces.7.html
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.network.enter import search_path, tool
from rehearsal.processes import ProcessTable, Program, Record, tail

HOLDER = "network"
"""Name of the process that keeps the namespace alive."""

PATIENCE = 30.0
"""Seconds that the set-up may take."""

OWN_ADDRESS = "198.18.0.1"
"""Source address of the programs in the namespace, and of connections through a NodePort.

It is in the range for network benchmarks (https://www.rfc-editor.org/rfc/rfc2544), which no VPC has.
"""

_TOOLS = {"unshare": "util-linux", "nsenter": "util-linux", "ip": "iproute2", "nft": "nftables"}
"""Required programs, and the packages of Linux distributions that have them."""

# A local route to all addresses (ip-route(8)). The trial also checks that nft can do what kube-proxy needs, since a
# kernel may lack nf_tables.
_SET_UP = (
    "ip link set lo up"
    f" && ip address add {OWN_ADDRESS}/32 dev lo"
    f" && ip route add local 0.0.0.0/0 dev lo src {OWN_ADDRESS}"
)
_TRIAL = f"{_SET_UP} && nft 'add table ip trial; add chain ip trial nat {{ type nat hook output priority -100; }}'"
_READY = "ready"


def refusal() -> str | None:
    """Why no namespace can be created on this machine, and the remedy, in one clause; None if it can."""
    if sys.platform != "linux":
        return "network namespaces are Linux's own; use a virtual machine or a container with Linux"
    missing = [name for name in _TOOLS if tool(name) == name]
    if missing:
        packages = dict.fromkeys(_TOOLS[name] for name in missing)
        return f"{' and '.join(missing)} cannot be found; install {' and '.join(packages)}"
    reasons: list[str] = []
    for flags in _unshare_flags():
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
    """The process that holds the rehearsal's namespace; None if it does not run."""
    return next((record for record in table.running() if record.name == HOLDER), None)


def make(table: ProcessTable, logs: Path) -> Record:
    """Creates the namespace, and starts the process that holds it.

    Raises:
        RehearsalError: The namespace cannot be created.
    """
    script = f"{_SET_UP} && echo {_READY} && exec sleep infinity"
    log = logs / f"{HOLDER}.log"
    for flags in _unshare_flags():
        command = (tool("unshare"), *flags, "sh", "-c", script)
        record = table.start(Program(HOLDER, command, log, {"PATH": search_path()}))
        if _is_ready(table, log):
            return record
        table.stop([HOLDER])
    raise RehearsalError(
        f"The rehearsal's network namespace could not be created:\n{tail(log)}",
        remedy="run the command again; where no namespace can be created, it says so and goes on without traffic.",
    )


def _unshare_flags() -> tuple[tuple[str, ...], ...]:
    """Flags of `unshare` to try. Root needs no user namespace, but in a container may be allowed only that way."""
    as_user = ("--user", "--map-root-user", "--net")
    return (("--net",), as_user) if os.geteuid() == 0 else (as_user,)


def _is_ready(table: ProcessTable, log: Path) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and table.is_running(HOLDER):
        if log.read_text().strip() == _READY:
            return True
        time.sleep(0.02)
    return False
