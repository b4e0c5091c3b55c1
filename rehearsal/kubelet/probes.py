"""HTTP probes and their thresholds.

https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

import urllib3

GOOD = range(200, 400)
"""HTTP statuses that count as success."""

_client = urllib3.PoolManager(cert_reqs="CERT_NONE", assert_hostname=False)
urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # kubelets verify no certificate, either


@dataclass
class Verdict:
    """The result of a probe.

    Attributes:
        holds: Whether the probe succeeds; the initial value counts until a threshold is reached.
        success_threshold: Successes in a row after which it succeeds (>= 1).
        failure_threshold: Failures in a row after which it fails (>= 1).
    """

    holds: bool
    success_threshold: int = 1
    failure_threshold: int = 3
    _last: bool | None = None
    _in_a_row: int = 0

    def take(self, *, good: bool) -> None:
        """Counts a success or a failure."""
        self._in_a_row = self._in_a_row + 1 if good is self._last else 1
        self._last = good
        if self._in_a_row >= (self.success_threshold if good else self.failure_threshold):
            self.holds = good


def port(number_or_name: int | str, container: Mapping[str, Any]) -> int:
    """The number of a port, which may be given by its name.

    Raises:
        KeyError: The container has no port of this name.
    """
    if isinstance(number_or_name, int) or number_or_name.isdigit():
        return int(number_or_name)
    named = {one.get("name"): int(one["containerPort"]) for one in container.get("ports") or ()}
    return named[number_or_name]


async def answers(
    probe: Mapping[str, Any], container: Mapping[str, Any], address: str, *, holds: bool
) -> AsyncGenerator[tuple[bool, str]]:
    """Probes a container periodically.

    Args:
        probe: The probe.
        container: Its container.
        address: The pod's address.
        holds: Initial result.

    Yields:
        Whether the probe succeeds, and the error of the last request; empty if that succeeded.
    """
    verdict = Verdict(holds, int(probe.get("successThreshold") or 1), int(probe.get("failureThreshold") or 3))
    await asyncio.sleep(float(probe.get("initialDelaySeconds") or 0))
    while True:
        problem = await asyncio.to_thread(ask, probe, container, address)
        verdict.take(good=not problem)
        yield verdict.holds, problem
        await asyncio.sleep(float(probe.get("periodSeconds") or 10))


def ask(probe: Mapping[str, Any], container: Mapping[str, Any], address: str) -> str:
    """Probes a container once; returns the error, or an empty string on success."""
    get = probe["httpGet"]
    try:
        scheme, at, path = get.get("scheme") or "HTTP", port(get["port"], container), get.get("path") or "/"
        timeout = urllib3.Timeout(total=float(probe.get("timeoutSeconds") or 1))
        headers = {"User-Agent": "kube-probe/1.36", "Connection": "close"}
        status = _client.request(
            "GET",
            f"{scheme.lower()}://{address}:{at}{path}",
            headers=headers,
            timeout=timeout,
            retries=False,
            redirect=False,
        ).status
    except (OSError, KeyError, urllib3.exceptions.HTTPError) as error:
        return f"{type(error).__name__}: {error}"
    return "" if status in GOOD else f"HTTP probe failed with statuscode: {status}"
