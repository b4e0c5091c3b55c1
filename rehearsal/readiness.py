"""Readiness probes of a control plane's programs."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import TypeAlias

import urllib3

from rehearsal import certificates
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.ports import LOOPBACK
from rehearsal.processes import Probe, ProcessTable, tail

Report: TypeAlias = Callable[[str], None]
"""Prints one sentence of progress."""

PATIENCE = 180.0
"""Seconds in which a program must become ready. The slowest takes 40 on two busy cores."""

_REPORT_EVERY = 10.0
_PAUSE = 0.1


def wait(probe: Probe, program: str, layout: Layout, report: Report) -> None:
    """Waits until a program's probe succeeds.

    Raises:
        RehearsalError: The program ended, or took longer than `PATIENCE`; the message has the end of its log.
    """
    table, log = ProcessTable(layout.processes), layout.logs / f"{program}.log"
    trust = certificates.ensure(layout.control_plane / "pki")
    began = reported = time.monotonic()
    with trust.caller(probe.client) if probe.client else urllib3.PoolManager() as pool:
        while (problem := _problem(probe, pool)) is not None:
            now = time.monotonic()
            if now - reported > _REPORT_EVERY:
                report(f"Waiting for {probe.waits_for} ({now - began:.0f} s): {problem}")
                reported = now
            if not table.is_running(program):
                raise _failure(f"{program} ended while waiting for {probe.waits_for}.", log)
            if now - began > PATIENCE:
                raise _failure(f"Gave up waiting for {probe.waits_for} after {PATIENCE:.0f} s: {problem}.", log)
            time.sleep(_PAUSE)


def _problem(probe: Probe, pool: urllib3.PoolManager) -> str | None:
    """Why the probe fails; None if it succeeds."""
    url = f"http{'s' if probe.client else ''}://{LOOPBACK}:{probe.port}{probe.path}"
    try:
        status = pool.request("GET", url, timeout=5, retries=False).status
    except urllib3.exceptions.HTTPError as error:
        return str(error)
    return None if status == HTTPStatus.OK else f"it answers {probe.path} with HTTP {status}"


def _failure(problem: str, log: Path) -> RehearsalError:
    return RehearsalError(
        f"{problem} The end of {log}:\n{tail(log)}",
        remedy="read the lines above; the command can be run again, and starts what does not run.",
    )
