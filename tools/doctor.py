"""`python -m tools.doctor`: what on this machine would stop `make up`, or leave something out of it, and what to do."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
from filelock import FileLock, Timeout
from rich.filesize import decimal

from rehearsal import strays, toolchain
from rehearsal.errors import RehearsalError
from rehearsal.front_door import running
from rehearsal.layout import CHECKOUT
from rehearsal.network import namespace
from rehearsal.toolchain import golang
from rehearsal.toolchain.tools import TOOLS
from tools.findings import Finding, look, ok, show, stop

GIB = 2**30
MEMORY = 8 * GIB
"""Memory of the machine: a stack takes 3.3 GiB, and the first `make up` builds programs (docs/benchmarks.md)."""

SPACE = 2 * GIB
"""Free space for a stack's files."""

SPACE_TO_BUILD = 25 * GIB
"""Free space for the first `make up`: Go's caches take 20 GiB and the programs 2.3."""


def findings() -> Iterator[Finding]:
    """All findings, in the order in which `make up` would meet them."""
    yield system()
    yield python()
    yield cores()
    yield memory()
    is_built = toolchain.find() is not None
    yield programs(is_built=is_built)
    yield disk(toolchain.cache(), need=SPACE if is_built else SPACE_TO_BUILD)
    yield network()
    yield front_door()
    yield from locks(CHECKOUT / ".rehearsal")
    yield from taken_ports(CHECKOUT / ".rehearsal")
    yield from rehearsals()


def system() -> Finding:
    """Linux, for which programs are built."""
    if sys.platform == "linux":
        return ok("system", f"Linux {platform.release()}, {platform.machine()}")
    return stop("system", platform.system(), "use a virtual machine or a container with Linux")


def python() -> Finding:
    """The Python that runs this; make checks it before it makes .venv."""
    return ok("Python", f"{platform.python_version()}, {sys.executable}")


def cores() -> Finding:
    """Cores that this process may use."""
    count = len(os.sched_getaffinity(0))
    fact = f"{count}"
    return ok("cores", fact) if count > 1 else look("cores", fact, "two halve the time of everything")


def memory() -> Finding:
    """What this machine, or its container, has available."""
    total, available = psutil.virtual_memory().total, golang.available_memory()
    fact = f"{decimal(available)} of {decimal(total)} available"
    if available < MEMORY // 2:
        return stop("memory", fact, "end other programs, or use a machine with 8 GiB")
    return ok("memory", fact) if total >= MEMORY * 0.9 else look("memory", fact, "8 GiB leave room for builds")


def disk(folder: Path, *, need: int) -> Finding:
    """Free space where programs are built and kept."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    fact = f"{decimal(free)} free at {existing}"
    if free >= need:
        return ok("disk", fact)
    return stop("disk", fact, f"make room for {decimal(need)}, or name another place with HELLO_PLATFORM_CACHE")


def programs(*, is_built: bool) -> Finding:
    """The engine, the control plane and the controllers, or the Go that builds them."""
    if is_built:
        return ok("programs", f"built, in {toolchain.cache()}")
    try:
        go = golang.ensure(TOOLS[0], toolchain.cache(), lambda _: None)
    except RehearsalError as error:
        return stop("programs", f"not built, and: {error}", error.remedy)
    return look("programs", f"not built yet, with {go}", "make up builds them, in about 20 minutes, once")


def network() -> Finding:
    """The network namespace in which requests reach pods."""
    if (reason := namespace.refusal()) is None:
        return ok("network", "a namespace of its own: requests reach pods")
    reason, _, remedy = reason.partition("; ")
    return look("network", f"{reason}: no request reaches a pod", remedy or "see docs/rehearsal.md")


def front_door() -> Finding:
    """HAProxy, which stands for the load balancers."""
    if (program := running.program()) is not None:
        return ok("front door", program)
    return look("front door", "haproxy cannot be found: no page in a browser", "apt-get install haproxy")


def locks(folder: Path) -> Iterator[Finding]:
    """Stacks that a command is at work on: another is refused meanwhile. A killed command holds no lock."""
    for file in sorted(folder.glob("*.lock")):
        try:
            with FileLock(file, timeout=0):
                pass
        except Timeout:
            yield look("lock", f"a command is at work on stack {file.stem}", "wait until it has ended, or end it")


def taken_ports(folder: Path) -> Iterator[Finding]:
    """Ports of stacks that another program listens on: a stack's own ports stay the same for its life."""
    own = {process.pid for one in strays.find() for process in one.processes}
    listening = {
        one.laddr.port: one.pid
        for one in psutil.net_connections("tcp")
        if one.status == psutil.CONN_LISTEN and one.laddr and one.pid not in own
    }
    for file in sorted(folder.glob("*/control-plane/ports.json")):
        stack = file.parents[1].name
        for name, port in json.loads(file.read_text()).items():
            if port in listening:
                fact = f"{port} ({name} of stack {stack}) is taken by process {listening[port]}"
                yield stop("port", fact, f"end that process, or `make down STACK={stack}` and up again")


def rehearsals() -> Iterator[Finding]:
    """What runs, and what an earlier run left."""
    for one in strays.find():
        fact = f"{one.directory}: {len(one.processes)} processes"
        if one.is_stray:
            yield look("rehearsal", f"{fact}; the directory is gone", "python -m rehearsal ps --end")
        else:
            yield ok("rehearsal", fact)


if __name__ == "__main__":
    sys.exit(show(findings()))
