"""The VPC's range and zones."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from config.instance_types import instance_types
from config.models.base import PROJECT
from config.partitions import partition_of
from config.problems import Problem
from config.settings import Settings

PRIVATE = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
"""RFC 1918: the ranges that EKS supports.

https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
"""

NODES_SHARE = 8
"""A zone's subnet for nodes and pods is the VPC's range divided by this; components/aws/network.py splits it."""

RESERVED_ADDRESSES = 5
"""Addresses that AWS reserves in each subnet. https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html."""


def problems(settings: Settings) -> Iterator[Problem]:
    """A VPC range that is not private, larger than /16 or smaller than /20; a zone of another region."""
    key = f"{PROJECT}:network"
    network = settings.network
    vpc = ipaddress.IPv4Network(network.cidr)
    if not any(vpc.subnet_of(private) for private in PRIVATE):
        yield Problem(f"{key}.cidr", network.cidr, f"a private range, within {', '.join(map(str, PRIVATE))}")
    if not 16 <= vpc.prefixlen <= 20:  # noqa: PLR2004 - AWS allows /16 at most; below /20 three zones hold too few pods
        yield Problem(f"{key}.cidr", network.cidr, "a range from /16 to /20")
    for zone in network.zones:
        if zone[:-1] != settings.region:
            yield Problem(f"{key}.zones", zone, f"zones of the region {settings.region}")


def endpoint_problems(settings: Settings) -> Iterator[Problem]:
    """Interface endpoints in China, where some services' have other names.

    https://docs.amazonaws.cn/en_us/vpc/latest/privatelink/aws-services-privatelink-support.html
    """
    if settings.network.interface_endpoints and partition_of(settings.region) == "aws-cn":
        yield Problem(
            f"{PROJECT}:network.interfaceEndpoints",
            ", ".join(settings.network.interface_endpoints),
            f"none in {settings.region}: the program has no names of endpoints in China",
        )


def address_problems(settings: Settings) -> Iterator[Problem]:
    """A VPC range with fewer addresses than both environments' nodes can take at their maximum.

    The VPC CNI may take every address that a node's interfaces can have.
    """
    network = settings.network
    in_zone = ipaddress.IPv4Network(network.cidr).num_addresses // NODES_SHARE - RESERVED_ADDRESSES
    available = len(network.zones) * max(0, in_zone)
    needed = sum(
        nodes.max
        * max(kind.interfaces * kind.addresses for kind in map(instance_types().get, nodes.instance_types) if kind)
        for _, _, nodes in settings.environments.node_pools()
    )
    if needed > available:
        yield Problem(
            f"{PROJECT}:network.cidr",
            network.cidr,
            f"a larger range: all nodes at their maximum take {needed} addresses, the subnets for nodes have "
            f"{available}; or lower environments.dev.nodes.max or environments.prod.nodes.max",
        )
