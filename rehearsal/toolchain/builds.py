"""Builds of Go tools into the cache, atomic and with progress reports."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from filelock import FileLock, Timeout

from rehearsal.errors import RehearsalError
from rehearsal.processes import run_watched, tail
from rehearsal.toolchain import golang
from rehearsal.toolchain.tools import GoTool

DATA = "data"
"""Folder beside a program with files of its Go module (`GoTool.data`)."""

HEARTBEAT = 20.0
"""Seconds between two progress reports of a build."""


def built(tool: GoTool, cache: Path) -> Path | None:
    """Folder of a tool in the cache, or None if it is not built."""
    folder = cache / tool.key
    return folder if folder.exists() else None


def build(tool: GoTool, cache: Path, report: Callable[[str], None], *, label: str) -> Path:
    """Folder of a tool in the cache, where it is built if missing.

    A lock allows one build at a time. An interrupted build leaves a `.draft` folder, which the next one removes.

    Args:
        tool: The tool.
        cache: The cache folder.
        report: Progress output.
        label: Text for the progress output, e.g. `2 of 5`.

    Raises:
        RehearsalError: Go is missing and cannot be installed, or the build failed.
    """
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / tool.key
    with _lock(cache / "lock", report):
        if folder.exists():
            return folder
        go = golang.ensure(tool, cache, report)
        report(f"Building {tool.name} {tool.version} ({label}): about {tool.minutes:g} min on two cores, only once")
        draft, log = cache / f"{tool.key}.draft", cache / f"{tool.key}.log"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        _run(go, (*tool.build_command, "-o", str(draft / tool.name), tool.import_path), tool, log, report)
        for link in tool.links:
            (draft / link).symlink_to(tool.name)
        _keep_data(go, tool, draft)
        draft.rename(folder)
        log.unlink()
    return folder


def _lock(file: Path, report: Callable[[str], None]) -> AbstractContextManager[FileLock]:
    lock = FileLock(file)
    try:
        return lock.acquire(blocking=False)
    except Timeout:
        report(f"Waiting for another build to end ({file} is locked)")
        return lock.acquire()


def _run(go: Path, arguments: tuple[str, ...], tool: GoTool, log: Path, report: Callable[[str], None]) -> None:
    began = time.monotonic()

    def report_progress() -> None:
        report(f"Building {tool.name}: {(time.monotonic() - began) / 60:.1f} of about {tool.minutes:g} min")

    with log.open("wb") as output:
        options = {"env": golang.environment(go), "cwd": tool.folder}
        code = run_watched([str(go), *arguments], report_progress, seconds=HEARTBEAT, output=output, **options)
    if code != 0:
        raise RehearsalError(
            f"Building {tool.name} {tool.version} failed. The end of {log}:\n{tail(log, lines=30)}",
            remedy="where a module could not be fetched, let `go` reach a module proxy (GOPROXY), and run again.",
        )


def _keep_data(go: Path, tool: GoTool, folder: Path) -> None:
    """Copies the tool's `data` from its Go module beside the program."""
    if not tool.data:
        return
    source = subprocess.run(
        [str(go), "list", "-m", "-f", "{{.Dir}}", tool.module],
        cwd=tool.folder,
        env=golang.environment(go),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    kept = folder / DATA
    kept.mkdir()
    for original in (Path(source) / path for path in tool.data):
        copy = shutil.copytree if original.is_dir() else shutil.copy
        copy(original, kept / original.name)
    # Files in Go's module cache are read-only.
    for path in kept.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
