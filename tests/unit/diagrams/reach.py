"""docs/images/reach.svg, drawn by Graphviz from the NetworkPolicies of the tests' stack prod: `make diagram`."""

from __future__ import annotations

from collections.abc import Iterator

from config import ENVIRONMENTS
from tests.unit.diagrams.overview import STACK, draw
from tests.unit.network_policies.places import Reach, reach_of
from tests.unit.program import CHECKOUT

FILE = CHECKOUT / "docs" / "images" / "reach.svg"

OUTSIDE = {"a node": "load balancer,\\nby a node's address", "the release tool in delivery": "release tool"}
"""Who reaches services and is none, and what the picture calls it."""


def description(reach: Reach) -> str:
    """Who reaches whom as a graph in Graphviz' language; DNS, which everybody reaches, is left out."""
    return "\n".join(
        [
            "digraph reach {",
            'graph [rankdir=LR, ranksep=0.9, nodesep=0.15, fontname="DejaVu Sans", fontsize=13]',
            'node [shape=box, style=rounded, fontname="DejaVu Sans", fontsize=11, margin="0.15,0.08"]',
            "edge [arrowsize=0.7]",
            *_nodes(reach),
            *dict.fromkeys(_edges(reach)),
            "}",
        ]
    )


def _nodes(reach: Reach) -> Iterator[str]:
    for name, title in OUTSIDE.items():
        yield f'"{name}" [shape=plaintext, label="{title}"]'
    for environment in ENVIRONMENTS:
        yield f'subgraph "cluster-{environment}" {{ class="{environment}"; label="{environment}"'
        for service, port in reach.service_ports.items():
            yield f'"{environment} {service}" [class="{environment}", label="{service}:{port.number}"]'
        yield "}"


def _edges(reach: Reach) -> Iterator[str]:
    services = {f"{environment} {service}" for environment, service in reach.services}
    for name, source in reach.everybody.items():
        if name not in services and name not in OUTSIDE:
            continue
        for environment, service in reach.services:
            if reach.between(source, reach.service(environment, service)) and name != f"{environment} {service}":
                yield f'"{name}" -> "{environment} {service}"'
        if name in services:
            for place, ends in reach.places.items():
                if not place.startswith("DNS") and reach.between(source, ends):
                    yield f'"{name}" -> "{place}"'


if __name__ == "__main__":
    FILE.write_text(draw(description(reach_of(STACK))), encoding="utf-8")
