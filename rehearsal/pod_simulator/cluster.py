"""The pod simulator's view of the cluster: pods by address, Services by name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from kube.client import KubernetesObject
from rehearsal.demo_images import Fault
from rehearsal.pod_simulator.pods import Phase, Pod, pod
from rehearsal.watch import Key

Stream: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
"""A connection to a server."""

IDLE_SECONDS = 5.0
"""Seconds after which a terminating server closes an idle connection."""


@dataclass
class Running:
    """A pod and its connections.

    Attributes:
        answered: Number of answers so far.
        connections: Open connections to the pod; each has `cut()` and `idle_since`, which is None during a request.
        calls: Idle connections from the pod to other services, by address and port.
    """

    pod: Pod
    answered: int = 0
    connections: set[Any] = field(default_factory=set[Any])
    calls: dict[tuple[str, int], list[Stream]] = field(default_factory=dict[tuple[str, int], list[Stream]])

    def cut(self) -> None:
        """Ends all connections, as the end of the pod's process does."""
        for connection in list(self.connections):
            connection.cut()
        for idle in self.calls.values():
            for _, writer in idle:
                writer.close()
        self.calls.clear()

    def close_idle(self, now: float) -> None:
        """Closes connections idle for `IDLE_SECONDS` since SIGTERM; not at once: a client may be sending a request."""
        if self.pod.fault is Fault.HOLDS_CONNECTIONS:
            return
        for connection in list(self.connections):
            since: float | None = connection.idle_since
            if since is not None and now - max(since, self.pod.ends or now) >= IDLE_SECONDS:
                connection.cut()


class Cluster:
    """The pods and Services of a cluster.

    Attributes:
        now: Clock: seconds since 1970.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self._pods: dict[Key, Running] = {}
        self._by_address: dict[str, Running] = {}
        self._services: dict[Key, KubernetesObject] = {}

    def set_pod(self, key: Key, body: KubernetesObject | None) -> None:
        """Handles an added or modified pod; None for a deleted one, whose connections are cut."""
        changed = pod(body) if body else None
        known = self._pods.get(key)
        if known is not None and (body is None or (changed is not None and changed.uid != known.pod.uid)):
            del self._pods[key]
            if known.pod.address and self._by_address.get(known.pod.address) is known:
                del self._by_address[known.pod.address]
            known.cut()
        if changed is None:
            return
        running = self._pods.setdefault(key, Running(changed))
        running.pod = changed
        if changed.address:
            self._by_address[changed.address] = running

    def set_service(self, key: Key, body: KubernetesObject | None) -> None:
        """Handles an added or modified Service; None for a deleted one."""
        if body is None:
            self._services.pop(key, None)
        else:
            self._services[key] = body

    def at(self, address: str, port: int) -> Running | None:
        """The pod that accepts a new connection to this address and port; None if none does."""
        running = self._by_address.get(address)
        if running is None or port not in running.pod.ports or self.phase(running) is not Phase.SERVING:
            return None
        return running

    def refusal(self, address: str, port: int) -> str:
        """Why a new connection to this address and port is reset."""
        running = self._by_address.get(address)
        if running is None:
            return f"{address}:{port} is no pod's"
        name, phase = f"{running.pod.namespace}/{running.pod.name}", self.phase(running).value
        return f"{name} does not take a connection to port {port}: {phase}"

    def address_of(self, host: str, namespace: str) -> str | None:
        """The cluster IP of a Service; None if there is no such Service.

        `host` is its DNS name as a pod in the namespace uses it: `api`, `api.prod`, `api.prod.svc…`.
        """
        name, _, rest = host.partition(".")
        body = self._services.get((rest.partition(".")[0] or namespace, name))
        return body["spec"].get("clusterIP") if body else None

    def phase(self, running: Running) -> Phase:
        """The current phase of a pod's server."""
        return running.pod.phase(self.now())

    def ports(self) -> set[int]:
        """The TCP ports of all pods."""
        return {port for running in self._pods.values() for port in running.pod.ports}

    def ended(self) -> list[Pod]:
        """Terminating pods whose container has ended: no connection is open, or the grace period is over."""
        now, ended = self.now(), list[Pod]()
        for running in self._pods.values():
            phase = running.pod.phase(now) if running.pod.killed is not None else Phase.SERVING
            if phase is Phase.ABSENT:
                running.cut()
            elif phase is Phase.ENDING:
                running.close_idle(now)
            if phase is Phase.ABSENT or (phase is Phase.ENDING and not running.connections):
                ended.append(running.pod)
        return ended
