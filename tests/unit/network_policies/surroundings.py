"""Pods of a stack and what surrounds them, for the table of allowed traffic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tests.unit.network_policies.places import control_plane, namespaces, policies, subnets
from tests.unit.network_policies.semantics import Endpoint, Port, reaches
from tools.program.graph import Graph

OUTSIDE = {
    "internet": "192.0.2.0/24",
    "metadata": "169.254.169.254/32",
    "Kubernetes API": "172.20.0.1/32",
}


class Surroundings:
    """Pods, and addresses outside of all namespaces: `OUTSIDE`'s, the nodes' and the API servers'.

    Args:
        graph: The stack.
        pods: The namespace and the labels of each pod, by what a reader calls it.
        outside: Further addresses, likewise.
    """

    def __init__(
        self,
        graph: Graph,
        pods: Mapping[str, tuple[str, Mapping[str, str]]],
        outside: Mapping[str, str] | None = None,
    ) -> None:
        nodes, made = subnets(graph, "internal-elb"), namespaces(graph)
        others = {name: [cidr] for name, cidr in {**OUTSIDE, **(outside or {})}.items()}
        self._policies = policies(graph)
        self._everybody = {
            **{
                name: Endpoint(name=name, addresses=nodes, namespace=made[namespace], labels=labels)
                for name, (namespace, labels) in pods.items()
            },
            **{name: Endpoint(name=name, addresses=cidrs) for name, cidrs in {"a node": nodes, **others}.items()},
            "an API server": Endpoint(name="an API server", addresses=control_plane(graph)),
        }

    def who_reach(self, place: str, port: int) -> set[str]:
        """Everybody else who reaches a place."""
        return {name for name in self._everybody if name != place and self._reaches(name, place, port)}

    def reached_from(self, source: str, ports: Iterable[int]) -> set[tuple[str, int]]:
        """Everybody else whom a source reaches on one of some ports; nodes are not asked."""
        return {
            (name, port)
            for name in self._everybody
            for port in ports
            if name not in (source, "a node") and self._reaches(source, name, port)
        }

    def _reaches(self, source: str, place: str, port: int) -> bool:
        return reaches(self._policies, self._everybody[source], self._everybody[place], Port(port))
