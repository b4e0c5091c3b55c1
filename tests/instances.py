"""Instances of node groups where there is no EC2."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from ipaddress import IPv4Network
from itertools import cycle
from typing import Any

from rehearsal.nodes import Instance, NodeGroupSpec, node


def instances(group: NodeGroupSpec) -> Iterator[Instance]:
    """Instances of a group whose subnets are said by their ranges; the same for the same group, each time."""
    start = int.from_bytes(hashlib.sha256(group.name.encode()).digest()[:4])
    for index, (zone, cidr) in enumerate(zip(cycle(group.subnets), cycle(group.subnets.values()), strict=False)):
        if index == group.desired:
            return
        subnet = IPv4Network(cidr)
        address = str(subnet[4 + (start + index) % (subnet.num_addresses - 5)])
        name = f"ip-{address.replace('.', '-')}.{group.region}.compute.internal"
        yield Instance(f"i-{start:08x}{index:09x}", zone, address, name)


def nodes(group: NodeGroupSpec) -> list[dict[str, Any]]:
    """Their Node objects."""
    return [node(group, instance) for instance in instances(group)]
