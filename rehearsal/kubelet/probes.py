"""Probes: what is asked, and what follows from the answers.

https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

import urllib3

GOOD = range(200, 400)
"""HTTP statuses."""

_client = urllib3.PoolManager(cert_reqs="CERT_NONE", assert_hostname=False)
urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # a kubelet takes any certificate, too


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

    def take(self, *, good: bool) -> None:
        """Takes an answer."""
        self._in_a_row = self._in_a_row + 1 if good is self._last else 1
        self._last = good
        if self._in_a_row >= (self.success_threshold if good else self.failure_threshold):
            self.holds = good


def port(number_or_name: int | str, container: Mapping[str, Any]) -> int:
    """A port by its number, or by its name among the container's.

    Raises:
        KeyError: The container has none of this name.
    """
    if isinstance(number_or_name, int) or number_or_name.isdigit():
        return int(number_or_name)
    named = {one.get("name"): int(one["containerPort"]) for one in container.get("ports") or ()}
    return named[number_or_name]


async def answers(
    probe: Mapping[str, Any], container: Mapping[str, Any], address: str, *, holds: bool
) -> AsyncGenerator[tuple[bool, str]]:
    """Asks again and again, from the node, as a kubelet does.

    Args:
        probe: The probe.
        container: Its container.
        address: The pod's.
        holds: Whether it holds before the first answer.

    Yields:
        Whether it holds, and what was wrong with the last answer; empty if that was good.
    """
    verdict = Verdict(holds, int(probe.get("successThreshold") or 1), int(probe.get("failureThreshold") or 3))
    await asyncio.sleep(float(probe.get("initialDelaySeconds") or 0))
    while True:
        problem = await asyncio.to_thread(ask, probe, container, address)
        verdict.take(good=not problem)
        yield verdict.holds, problem
        await asyncio.sleep(float(probe.get("periodSeconds") or 10))


def ask(probe: Mapping[str, Any], container: Mapping[str, Any], address: str) -> str:
    """Asks once; what is wrong, empty if the answer is good."""
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
