"""docs/reach.md, generated: `.venv/bin/python -m tests.unit.network_policies.table > docs/reach.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from config import ENVIRONMENTS
from tests.unit.network_policies.places import Reach, reach_of
from tests.unit.program import CHECKOUT, STACKS

FILE = CHECKOUT / "docs" / "reach.md"
COMMAND = f".venv/bin/python -m tests.unit.network_policies.table > {FILE.relative_to(CHECKOUT)}"

INTRODUCTION = f"""# Who reaches whom

Generated from the NetworkPolicies of the tests' stacks (`tests/fixtures/stacks/`), which have the services that the
project is shipped with; a test fails when it is out of date. To write it again:

```
{COMMAND}
```

![Stack prod: who reaches which service of dev and of prod, and what the services reach](images/reach.svg)

In the picture, DNS and who may ask for the Kubernetes API are left out.

How policies are evaluated: `tests/unit/network_policies/semantics.py`, after the
[Kubernetes documentation](https://kubernetes.io/docs/concepts/services-networking/network-policies/).

- A cell lists everything that is allowed: each source in the first column was evaluated against every service on its
  port, and against each destination listed under the table.
- The slots of a service do not differ: a source that reaches its active Service reaches its preview Service.
- Pods take their addresses from the subnets of the nodes; a range that contains these subnets contains every pod
  of both environments.
- "Any other pod" is one in a namespace without policies, such as `kube-system`: no policy limits its egress.
  Instance metadata still does not answer it, nor any other pod, because of the hop limit of 1.
- Policies apply to pods only: security groups decide what a node may reach. A node always reaches its own pods, for
  their probes.
- Requests from the load balancer arrive through a NodePort, and thus from a node's address.
- Requests through the API server's proxy (`kubectl get --raw`, the release tool's smoke tests from a laptop) come
  from an address of the control plane's subnets, which hold only EKS' own network interfaces. RBAC decides who
  may send them.
"""


def render() -> str:
    """The whole file."""
    return "\n".join([INTRODUCTION, *(_stack(stack) for stack in STACKS)])


def _stack(stack: str) -> str:
    reach = reach_of(stack)
    return f"""## Stack {stack}

{_table(("from", "services of dev", "services of prod", "elsewhere"), _rows(reach))}

Elsewhere: {", ".join(reach.places)}.

Services with a path admit node addresses, and so every pod whose own egress is open:

{_table(("service", "reached by a node's address only"), _readmitted(reach))}
"""


def _rows(reach: Reach) -> Iterable[tuple[str, ...]]:
    for name, source in reach.everybody.items():
        by_environment = [
            _cell(
                (
                    service
                    for service in reach.service_ports
                    if reach.between(source, reach.service(environment, service))
                ),
                len(reach.service_ports),
            )
            for environment in ENVIRONMENTS
        ]
        places = [name for name, place in reach.places.items() if reach.between(source, place)]
        yield name, *by_environment, _cell(places, len(reach.places)) if source[0].namespace else "not a pod"


def _cell(reached: Iterable[str], of: int) -> str:
    names = list(reached)
    return "everything" if len(names) == of else ", ".join(names)


def _readmitted(reach: Reach) -> Iterable[tuple[str, str]]:
    """Whom the ranges of nodes admit besides those that are admitted by label."""
    others_only = reach.without_node_addresses()
    for environment, service in reach.services:
        place = reach.service(environment, service)
        admitted = [
            name
            for name, source in reach.everybody.items()
            if reach.between(source, place) and not others_only.between(source, place)
        ]
        if admitted:
            yield place.name, ", ".join(admitted)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell or "nothing" for cell in line) + " |" for line in lines)


def written(path: Path = FILE) -> str:
    """The file as it is."""
    return path.read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.stdout.write(render())
