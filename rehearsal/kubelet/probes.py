"""Probes: what is asked, and what follows from the answers.

https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

GOOD = range(200, 400)
"""HTTP statuses."""


@dataclass
class Verdict:
    """Whether a probe holds, from its answers in a row.

    Attributes:
        holds: As it began or has become.
        success_threshold: So many good answers in a row make it hold (>= 1).
        failure_threshold: So many bad answers in a row end that (>= 1).
    """

    holds: bool
    success_threshold: int = 1
    failure_threshold: int = 3
    _last: bool | None = None
    _in_a_row: int = 0

    def take(self, *, good: bool) -> bool:
        """Takes an answer.

        Returns:
            Whether enough of them in a row have been like it: it says what holds then.
        """
        self._in_a_row = self._in_a_row + 1 if good is self._last else 1
        self._last = good
        decided = self._in_a_row >= (self.success_threshold if good else self.failure_threshold)
        if decided:
            self.holds = good
        return decided


@dataclass(frozen=True)
class Timing:
    """When a probe asks, in seconds."""

    delay: float
    period: float
    timeout: float

    @classmethod
    def of(cls, probe: Mapping[str, Any]) -> Timing:
        """A probe's own."""
        return cls(
            float(probe.get("initialDelaySeconds") or 0),
            float(probe.get("periodSeconds") or 10),
            float(probe.get("timeoutSeconds") or 1),
        )


def verdict(probe: Mapping[str, Any], *, holds: bool) -> Verdict:
    """The verdict of a probe before its first answer."""
    return Verdict(holds, int(probe.get("successThreshold") or 1), int(probe.get("failureThreshold") or 3))


def port(number_or_name: int | str, container: Mapping[str, Any]) -> int:
    """A port by its number, or by its name among the container's.

    Raises:
        KeyError: The container has none of this name.
    """
    if isinstance(number_or_name, int) or number_or_name.isdigit():
        return int(number_or_name)
    named = {one.get("name"): int(one["containerPort"]) for one in container.get("ports") or ()}
    return named[number_or_name]


async def ask(
    probe: Mapping[str, Any],
    container: Mapping[str, Any],
    address: str,
    execute: Callable[[Sequence[str]], Awaitable[int]],
) -> str:
    """Asks once, from the node, as a kubelet does.

    Args:
        probe: The probe.
        container: Its container.
        address: The pod's.
        execute: Runs a command in the container and gives its exit status.

    Returns:
        What is wrong; empty if the answer is good.
    """
    try:
        async with asyncio.timeout(Timing.of(probe).timeout):
            if "exec" in probe:
                status = await execute(probe["exec"]["command"])
                return f"exit status {status}" if status else ""
            if "httpGet" in probe:
                return await _get(probe["httpGet"], container, address)
            if "tcpSocket" in probe:
                to = probe["tcpSocket"]
                _, writer = await asyncio.open_connection(to.get("host") or address, port(to["port"], container))
                writer.close()
                return ""
    except (TimeoutError, OSError, KeyError, ValueError, EOFError) as error:
        return f"{type(error).__name__}: {error}"
    return f"a probe by {', '.join(probe)} is not to be had in a rehearsal"


async def _get(get: Mapping[str, Any], container: Mapping[str, Any], address: str) -> str:
    host, at = get.get("host") or address, port(get["port"], container)
    context = None
    if get.get("scheme") == "HTTPS":
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # as a kubelet
    reader, writer = await asyncio.open_connection(host, at, ssl=context)
    try:
        headers = {"Host": f"{host}:{at}", "User-Agent": "kube-probe/1.36", "Accept": "*/*", "Connection": "close"}
        headers |= {one["name"]: one["value"] for one in get.get("httpHeaders") or ()}
        lines = [f"GET {get.get('path') or '/'} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        answer = (await reader.readline()).decode(errors="replace").split()
        status = int(answer[1]) if len(answer) > 1 else 0
    finally:
        writer.close()
    return "" if status in GOOD else f"HTTP probe failed with statuscode: {status}"
