"""The pod simulator's view of the cluster: pods by address, Services by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from kube.client import KubernetesObject
from rehearsal.demo_images import Fault
from rehearsal.pod_simulator.pods import Phase, Pod, pod

IDLE_SECONDS = 5.0
"""Seconds after which a terminating server closes an idle connection."""

Key: TypeAlias = tuple[str, str]
"""Namespace and name."""


@dataclass
class Running:
    """A pod and its connections.

    Attributes:
        pod: The pod.
        answered: Number of answers so far.
        connections: Open connections to the pod; each has `cut()` and `idle_since`, which is None during a request.
        calls: Idle connections from the pod to other services, by address and port.
    """

    pod: Pod
    answered: int = 0
    connections: set[Any] = field(default_factory=set[Any])
    calls: dict[tuple[str, int], list[Any]] = field(default_factory=dict[tuple[str, int], list[Any]])


class Cluster:
    """The pods and Services of a cluster.

    Args:
        now: Clock: seconds since 1970.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._pods: dict[Key, Running] = {}
        self._by_address: dict[str, Running] = {}
        self._services: dict[Key, KubernetesObject] = {}

    def take_pod(self, body: KubernetesObject) -> None:
        """Handles an added or modified pod."""
        seen = pod(body)
        if seen is None:
            return
        key = (seen.namespace, seen.name)
        known = self._pods.get(key)
        if known is None or known.pod.uid != seen.uid:
            self.drop_pod(key)
            known = self._pods[key] = Running(seen)
        known.pod = seen
        if seen.address:
            self._by_address[seen.address] = known

    def drop_pod(self, key: Key) -> None:
        """Handles a deleted pod: its connections are cut."""
        gone = self._pods.pop(key, None)
        if gone is None:
            return
        if gone.pod.address and self._by_address.get(gone.pod.address) is gone:
            del self._by_address[gone.pod.address]
        cut(gone)

    def take_service(self, body: KubernetesObject) -> None:
        """Handles an added or modified Service."""
        self._services[_key(body)] = body

    def drop_service(self, key: Key) -> None:
        """Handles a deleted Service."""
        self._services.pop(key, None)

    def keep_pods(self, there: Iterable[Key]) -> None:
        """Drops all pods but these."""
        for key in self._pods.keys() - set(there):
            self.drop_pod(key)

    def keep_services(self, there: Iterable[Key]) -> None:
        """Drops all Services but these."""
        for key in self._services.keys() - set(there):
            self.drop_service(key)

    def at(self, address: str, port: int) -> Running | None:
        """The pod that accepts a new connection to this address and port; None if none does."""
        found = self._by_address.get(address)
        if found is None or port not in found.pod.ports:
            return None
        return found if found.pod.phase(self._now()) is Phase.SERVING else None

    def address_of(self, host: str, namespace: str) -> str | None:
        """The cluster IP of a Service; None if there is no such Service.

        Args:
            host: Its DNS name: `api`, `api.prod`, `api.prod.svc…`.
            namespace: Namespace of the calling pod.
        """
        name, _, rest = host.partition(".")
        body = self._services.get((rest.partition(".")[0] or namespace, name))
        return body["spec"].get("clusterIP") if body else None

    def now(self) -> float:
        """Seconds since 1970."""
        return self._now()

    def phase(self, running: Running) -> Phase:
        """The current phase of a pod's server."""
        return running.pod.phase(self._now())

    def ports(self) -> set[int]:
        """The TCP ports of all pods."""
        return {port for one in self._pods.values() for port in one.pod.ports}

    def ended(self) -> list[Pod]:
        """Terminating pods whose container has ended: no connection is open, or the grace period is over."""
        now = self._now()
        over: list[Pod] = []
        for one in self._pods.values():
            if one.pod.killed is None:
                continue
            if one.pod.phase(now) is Phase.ABSENT:
                cut(one)
                over.append(one.pod)
            elif one.pod.phase(now) is Phase.ENDING:
                _end_idle(one, now)
                if not one.connections:
                    over.append(one.pod)
        return over


def _end_idle(running: Running, now: float) -> None:
    """Closes connections idle for `IDLE_SECONDS` since SIGTERM; not at once, as a client may be sending a request."""
    if running.pod.fault is Fault.HOLDS_CONNECTIONS:
        return
    for connection in list(running.connections):
        since: float | None = connection.idle_since
        if since is not None and now - max(since, running.pod.ends or now) >= IDLE_SECONDS:
            connection.cut()


def cut(running: Running) -> None:
    """Ends all connections of a pod, as the end of its process does."""
    for connection in list(running.connections):
        connection.cut()
    for idle in running.calls.values():
        for connection in idle:
            connection.close()
    running.calls.clear()


def _key(body: KubernetesObject) -> Key:
    return str(body["metadata"]["namespace"]), str(body["metadata"]["name"])
