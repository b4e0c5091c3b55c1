"""Waiting until a program answers that it is ready."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TypeAlias

import urllib3

from rehearsal import certificates
from rehearsal.errors import RehearsalError
from rehearsal.layout import Layout
from rehearsal.ports import LOOPBACK
from rehearsal.processes import ProcessTable, tail

Report: TypeAlias = Callable[[str], None]
"""Takes a sentence on what goes on, for the person who waits."""

PATIENCE = 180.0
"""Seconds that a program may take. On two cores that build something besides, the slowest takes 40."""

REPORT_EVERY = 10.0
"""Seconds between two sentences on the same wait."""

PAUSE = 0.1
"""Seconds between two questions."""


@dataclass(frozen=True)
class Probe:
    """A question that is answered with 200 once something is so.

    Attributes:
        waits_for: What is so then, to end the sentence "Waiting for …".
        port: Where to ask, on loopback.
        path: What to ask.
        client: The certificate to ask with over HTTPS, by name; None to ask over HTTP.
    """

    waits_for: str
    port: int
    path: str
    client: str | None


def wait(probe: Probe, program: str, layout: Layout, report: Report) -> None:
    """Returns when a program's probe is answered.

    Raises:
        RehearsalError: The program ended, or took too long; with the end of its log file.
    """
    table, log = ProcessTable(layout.processes), layout.logs / f"{program}.log"
    trust = certificates.ensure(layout.control_plane / "pki")
    began = reported = time.monotonic()
    with trust.caller(probe.client) if probe.client else urllib3.PoolManager() as pool:
        while (problem := _problem(probe, pool)) is not None:
            now = time.monotonic()
            if now - reported > REPORT_EVERY:
                report(f"Waiting for {probe.waits_for} ({now - began:.0f} s): {problem}")
                reported = now
            if not table.is_running(program):
                raise _failure(f"{program} ended while waiting for {probe.waits_for}.", log)
            if now - began > PATIENCE:
                raise _failure(f"Gave up waiting for {probe.waits_for} after {PATIENCE:.0f} s: {problem}.", log)
            time.sleep(PAUSE)


def _problem(probe: Probe, pool: urllib3.PoolManager) -> str | None:
    """Why the probe is not answered with 200; None if it is."""
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
