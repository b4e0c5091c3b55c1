"""Waiting until a program answers that it is ready."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from rehearsal.certificates import Certificates
from rehearsal.errors import RehearsalError
from rehearsal.ports import LOOPBACK
from rehearsal.processes import ProcessTable, Program, tail

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


def wait(probe: Probe, program: Program, *, table: ProcessTable, trust: Certificates, report: Report) -> None:
    """Returns when a program's probe is answered.

    Raises:
        RehearsalError: The program ended, or took too long; with the end of its log file.
    """
    context = _context(trust, probe.client) if probe.client else None
    began = reported = time.monotonic()
    while (problem := _problem(probe, context)) is not None:
        now = time.monotonic()
        if not table.is_running(program.name):
            raise _failure(f"{program.name} ended while waiting for {probe.waits_for}.", program)
        if now - began > PATIENCE:
            raise _failure(f"Gave up waiting for {probe.waits_for} after {PATIENCE:.0f} s: {problem}.", program)
        if now - reported > REPORT_EVERY:
            report(f"Waiting for {probe.waits_for} ({now - began:.0f} s): {problem}")
            reported = now
        time.sleep(PAUSE)


def _context(trust: Certificates, client: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(trust.authority))
    pair = trust.of(client)
    context.load_cert_chain(pair.certificate, pair.key)
    return context


def _problem(probe: Probe, context: ssl.SSLContext | None) -> str | None:
    """Why the probe is not answered with 200; None if it is."""
    connection = (
        http.client.HTTPSConnection(LOOPBACK, probe.port, context=context, timeout=5)
        if context
        else http.client.HTTPConnection(LOOPBACK, probe.port, timeout=5)
    )
    try:
        connection.request("GET", probe.path)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()
    return None if status == http.client.OK else f"it answers {probe.path} with HTTP {status}"


def _failure(problem: str, program: Program) -> RehearsalError:
    return RehearsalError(
        f"{problem} The end of {program.log}:\n{tail(program.log)}",
        remedy="read the lines above; the command can be run again, and starts what does not run.",
    )
