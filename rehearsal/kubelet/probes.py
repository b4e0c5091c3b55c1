"""HTTP probes and their thresholds.

https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import urllib3

GOOD = range(200, 400)
"""HTTP statuses that count as success."""

_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""One for all probes: a client of its own making would read this machine's certificates for each."""
_tls.check_hostname = False
_tls.verify_mode = ssl.CERT_NONE  # kubelets verify no certificate, either
_client = urllib3.PoolManager(ssl_context=_tls)
urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)


def port(number_or_name: int | str, container: Mapping[str, Any]) -> int:
    """The number of a port, which may be given by its name.

    Raises:
        KeyError: The container has no port of this name.
    """
    if isinstance(number_or_name, int) or number_or_name.isdigit():
        return int(number_or_name)
    named = {port.get("name"): int(port["containerPort"]) for port in container.get("ports") or ()}
    return named[number_or_name]


async def results(
    probe: Mapping[str, Any], container: Mapping[str, Any], address: str, *, initial: bool
) -> AsyncGenerator[tuple[bool, str]]:
    """Probes a container at its pod's address periodically; `initial` is the result until a threshold is reached.

    Yields:
        Whether the probe succeeds by its thresholds, and the error of the last request; empty if that succeeded.
    """
    thresholds = {True: int(probe.get("successThreshold") or 1), False: int(probe.get("failureThreshold") or 3)}
    succeeds, last, in_a_row = initial, None, 0
    await asyncio.sleep(float(probe.get("initialDelaySeconds") or 0))
    while True:
        error = await asyncio.to_thread(request, probe, container, address)
        succeeded = not error
        in_a_row = in_a_row + 1 if succeeded is last else 1
        last = succeeded
        if in_a_row >= thresholds[succeeded]:
            succeeds = succeeded
        yield succeeds, error
        await asyncio.sleep(float(probe.get("periodSeconds") or 10))


def request(probe: Mapping[str, Any], container: Mapping[str, Any], address: str) -> str:
    """Probes a container once; returns the error, or an empty string on success."""
    get = probe["httpGet"]
    try:
        scheme, port_number, path = get.get("scheme") or "HTTP", port(get["port"], container), get.get("path") or "/"
        timeout = urllib3.Timeout(total=float(probe.get("timeoutSeconds") or 1))
        headers = {"User-Agent": "kube-probe/1.36", "Connection": "close"}
        status = _client.request(
            "GET",
            f"{scheme.lower()}://{address}:{port_number}{path}",
            headers=headers,
            timeout=timeout,
            retries=False,
            redirect=False,
        ).status
    except (OSError, KeyError, urllib3.exceptions.HTTPError) as error:
        return f"{type(error).__name__}: {error}"
    return "" if status in GOOD else f"HTTP probe failed with statuscode: {status}"
