"""What the pod simulator knows of the cluster: its pods by address, and where its Services lead."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from kube.client import KubernetesObject
from rehearsal.demo_images import Fault
from rehearsal.pod_simulator.pods import Phase, Pod, pod

IDLE_SECONDS = 5.0
"""How long an ending server waits for another request on a connection before it closes it."""

Key: TypeAlias = tuple[str, str]
"""Namespace and name."""


@dataclass
class Running:
    """A pod, and what its server has under way.

    Attributes:
        pod: The pod.
        answered: Answers so far.
        connections: Open ones; each has `cut`, and `idle_since`, None while a request is under way.
        calls: Idle connections of its own to other services, by address and port.
    """

    pod: Pod
    answered: int = 0
    connections: set[Any] = field(default_factory=set[Any])
    calls: dict[tuple[str, int], list[Any]] = field(default_factory=dict[tuple[str, int], list[Any]])


class Cluster:
    """The pods and Services of a cluster, as far as the pod simulator needs them.

    Args:
        now: Seconds since 1970.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._pods: dict[Key, Running] = {}
        self._by_address: dict[str, Running] = {}
        self._services: dict[Key, KubernetesObject] = {}

    def take_pod(self, body: KubernetesObject) -> None:
        """Learns of a pod that is new or has changed."""
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
        """Learns that a pod is gone from the API: what still runs of it is cut."""
        gone = self._pods.pop(key, None)
        if gone is None:
            return
        if gone.pod.address and self._by_address.get(gone.pod.address) is gone:
            del self._by_address[gone.pod.address]
        cut(gone)

    def take_service(self, body: KubernetesObject) -> None:
        """Learns of a Service that is new or has changed."""
        self._services[_key(body)] = body

    def drop_service(self, key: Key) -> None:
        """Learns that a Service is gone."""
        self._services.pop(key, None)

    def keep_pods(self, there: Iterable[Key]) -> None:
        """Forgets all other pods."""
        for key in self._pods.keys() - set(there):
            self.drop_pod(key)

    def keep_services(self, there: Iterable[Key]) -> None:
        """Forgets all other Services."""
        for key in self._services.keys() - set(there):
            self.drop_service(key)

    def at(self, address: str, port: int) -> Running | None:
        """Whose server takes a new connection to this address and port, if any does."""
        found = self._by_address.get(address)
        if found is None or port not in found.pod.ports:
            return None
        return found if found.pod.phase(self._now()) is Phase.SERVING else None

    def address_of(self, host: str, namespace: str) -> str | None:
        """The cluster IP behind a name as the cluster's DNS takes it: `api`, `api.prod`, `api.prod.svc…`.

        Args:
            host: The name.
            namespace: Of the pod that asks.
        """
        name, _, rest = host.partition(".")
        body = self._services.get((rest.partition(".")[0] or namespace, name))
        return body["spec"].get("clusterIP") if body else None

    def now(self) -> float:
        """Seconds since 1970."""
        return self._now()

    def phase(self, running: Running) -> Phase:
        """How far a pod's server is now."""
        return running.pod.phase(self._now())

    def ports(self) -> set[int]:
        """The ports of all pods."""
        return {port for one in self._pods.values() for port in one.pod.ports}

    def ended(self) -> list[Pod]:
        """Ending pods whose container has ended: nothing is open any more, or their time is over."""
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
    """Closes what nobody has used since SIGTERM. Not at once: a client may be sending its next request just now."""
    if running.pod.fault is Fault.HOLDS_CONNECTIONS:
        return
    for connection in list(running.connections):
        since: float | None = connection.idle_since
        if since is not None and now - max(since, running.pod.ends or now) >= IDLE_SECONDS:
            connection.cut()


def cut(running: Running) -> None:
    """Ends a pod's connections as the end of its process does."""
    for connection in list(running.connections):
        connection.cut()
    for idle in running.calls.values():
        for connection in idle:
            connection.close()
    running.calls.clear()


def _key(body: KubernetesObject) -> Key:
    return str(body["metadata"]["namespace"]), str(body["metadata"]["name"])
