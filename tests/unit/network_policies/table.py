"""docs/reach.md, made from the policies: `.venv/bin/python -m tests.unit.network_policies.table > docs/reach.md`."""

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

Made from the NetworkPolicies of the tests' stacks (`tests/fixtures/stacks/`), with the services that the project is
shipped with; a test fails when it is not current, and tells to run

```
{COMMAND}
```

How policies are read: [semantics.py](../tests/unit/network_policies/semantics.py), after the
[Kubernetes documentation](https://kubernetes.io/docs/concepts/services-networking/network-policies/).

- What is not in a cell is refused: everybody in the first column was tried against every service on its port, and
  against each of the places named under the table.
- Both slots of a service are alike: its preview Service is reached by whoever reaches the active one.
- A pod takes its address from the subnets of the nodes; a range that holds these subnets holds every pod of both
  environments.
- "Any other pod" is one in a namespace without policies, such as `kube-system`: no policy keeps it from reaching out.
  The machine's metadata answers it none the less, as it answers any pod: not at all, by a hop limit of 1.
- Policies end at pods: what a node may reach is the security groups' to say. A node always reaches its own pods, for
  their probes.
- On their way in, requests come from the load balancer by a node's port, and thus from a node's address.
- What a person asks by the API server's proxy (`kubectl get --raw`, the release tool's smoke tests from a laptop) comes
  from an address of the control plane's subnets, where EKS' own network interfaces are and nothing else. RBAC says who
  may ask.
"""


def render() -> str:
    """The whole file."""
    return "\n".join([INTRODUCTION, *(_stack(stack) for stack in STACKS)])


def _stack(stack: str) -> str:
    reach = reach_of(stack)
    return f"""## Stack {stack}

{_table(("from", "services of dev", "services of prod", "elsewhere"), _rows(reach))}

Elsewhere: {", ".join(reach.places)}.

What services with a path admit by a node's address, and thus to every pod whose own egress is open:

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
