"""docs/images/overview.svg, drawn by Graphviz from the resources of the tests' stack prod: `make diagram`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from hashlib import sha256
from html import escape
from pathlib import Path

from tests.unit.program import CHECKOUT, platform
from tools.program.graph import Graph, Registration

FILE = CHECKOUT / "docs" / "images" / "overview.svg"
STACK = "prod"

STYLE = """<style>
text { font-family: system-ui, sans-serif; fill: #1f2328 }
.node polygon, .node path, .cluster polygon, .cluster path { fill: #ffffff; stroke: #8c959f }
.prod polygon, .prod path { fill: #fff4e5; stroke: #bc4c00 }
.dev polygon, .dev path { fill: #eef6ff; stroke: #0969da }
.graph > polygon { fill: none; stroke: none }
.edge path { stroke: #57606a } .edge polygon { fill: #57606a; stroke: #57606a }
.edge text { fill: #57606a }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.node polygon, .node path, .cluster polygon, .cluster path { fill: #161b22; stroke: #6e7681 }
.prod polygon, .prod path { fill: #2d1f10; stroke: #db6d28 }
.dev polygon, .dev path { fill: #0f2137; stroke: #388bfd }
.edge path { stroke: #8b949e } .edge polygon { fill: #8b949e; stroke: #8b949e }
.edge text { fill: #8b949e }
}
</style>"""
"""Colours for light and dark pages: a picture in a page follows the reader's system."""

SOURCE = "<!-- drawn from {digest}: make diagram -->"
"""What says of which description a picture was drawn, so that no test needs Graphviz."""


def description(graph: Graph) -> str:
    """The stack as a graph in Graphviz' language: https://graphviz.org/doc/info/lang.html."""
    domain = str(graph.outputs["hosts"]["prod"])
    ingresses = graph.of_kind("Ingress")
    load_balancers = sorted({str(one.spec["ingressClassName"]) for one in ingresses})
    lines = [
        *(_node(f"lb-{name}", f"load balancer {name}", _hosts(name, ingresses, domain)) for name in load_balancers),
        _node("users", "users", shape="plaintext"),
        _node("staff", "staff", shape="plaintext"),
        *(f'"{"staff" if name == "staff" else "users"}" -> "lb-{name}"' for name in load_balancers),
        *_environments(graph),
        *_tools(graph),
        *_edges(ingresses),
        *_regional(graph),
    ]
    return "\n".join(
        [
            "digraph overview {",
            'graph [rankdir=LR, ranksep=0.6, nodesep=0.2, fontname="DejaVu Sans", fontsize=13, compound=true]',
            'node [shape=box, style=rounded, fontname="DejaVu Sans", fontsize=11, margin="0.15,0.08"]',
            'edge [fontname="DejaVu Sans", fontsize=10, arrowsize=0.7]',
            *lines,
            "}",
        ]
    )


def _node(name: str, title: str, rows: Iterable[str] = (), *, shape: str = "box") -> str:
    label = r"\n".join([title, *rows])
    return f'"{name}" [shape={shape}, label="{label}"]'


def _hosts(load_balancer: str, ingresses: Sequence[Registration], domain: str) -> list[str]:
    """The hosts of a load balancer, with DOMAIN for the stack's own."""
    hosts = {
        str(rule["host"])
        for one in ingresses
        if one.spec["ingressClassName"] == load_balancer
        for rule in one.spec["rules"]
    }
    return sorted(host.replace(domain, "DOMAIN") for host in hosts)


def _environments(graph: Graph) -> Iterable[str]:
    for name, group in sorted(graph.outputs["nodeGroups"].items(), reverse=True):
        taint = ", tainted" if group["taint"] else ""
        rows = "".join(
            f'<tr><td align="left">{escape(service)}</td>'
            + "".join(f"<td>{escape(slot)}</td>" for slot in contract["slots"])
            + "</tr>"
            for service, contract in sorted(graph.outputs["services"][name].items())
        )
        table = f'<table border="0" cellborder="0" cellspacing="4">{rows}</table>'
        yield f'subgraph "cluster-{name}" {{ class="{name}"; label="{name}: nodes of its own{taint}"'
        yield f'"services-{name}" [class="{name}", label=<{table}>]'
        yield "}"


def _tools(graph: Graph) -> Iterable[str]:
    """What runs beside dev's services, on dev's nodes."""
    yield 'subgraph "cluster-dev" {'
    yield _node("logs", "Elasticsearch, Kibana", ["Fluentd on every node"])
    if graph.outputs.get("jenkins"):
        yield _node("delivery", "Jenkins, BuildKit")
    yield "}"


def _edges(ingresses: Sequence[Registration]) -> Iterable[str]:
    for one in ingresses:
        namespace = str(one.metadata["namespace"])
        target = "logs" if namespace == "logging" else f"services-{namespace}"
        yield f'"lb-{one.spec["ingressClassName"]}" -> "{target}"'


def _regional(graph: Graph) -> Iterable[str]:
    """What the stack has outside the VPC."""
    yield _node("ecr", "ECR", [f"{len(graph.of_type('aws:ecr/repository:Repository'))} repositories"])
    yield _node("s3", "S3", sorted(_purpose(one) for one in graph.of_type("aws:s3/bucket:Bucket")))
    yield _node("nat", f"{len(graph.of_type('aws:ec2/natGateway:NatGateway'))} NAT gateways", ["to MySQL, Redis, APIs"])
    for environment in sorted(graph.outputs["nodeGroups"], reverse=True):
        yield f'"services-{environment}" -> "ecr" [label="images"]'
        yield f'"services-{environment}" -> "nat"'
    yield '"logs" -> "s3" [label="snapshots"]'


def _purpose(bucket: Registration) -> str:
    """The component that a bucket belongs to, in words: `hello:platform:AccessLogs` is "access logs"."""
    component = bucket.urn.split("$hello:platform:Bucket$")[0].rpartition(":")[2]
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", component).lower()


def digest(text: str) -> str:
    """The name of a description in a picture."""
    return sha256(text.encode()).hexdigest()[:16]


def draw(text: str) -> str:
    """The picture, as SVG.

    Raises:
        SystemExit: There is no Graphviz.
    """
    try:
        drawn = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        sys.exit("Graphviz is missing: apt-get install graphviz")
    svg = drawn[drawn.index("<svg") :]
    svg = re.sub(r' font-family="[^"]*"| (fill|stroke)="(?!none)[^"]*"', "", svg)
    head, tail = svg.split(">", 1)
    return f"{SOURCE.format(digest=digest(text))}\n{head}>\n{STYLE}{tail}"


def main() -> None:
    """Writes the picture."""
    Path(FILE).write_text(draw(description(platform(STACK, preview=False))), encoding="utf-8")


if __name__ == "__main__":
    main()
