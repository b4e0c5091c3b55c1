"""The services' egress."""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Iterator

from config.models.base import PROJECT
from config.models.service import EgressNetwork
from config.problems import Problem
from config.settings import Settings

LOCAL = {
    "169.254.0.0/16": "link-local, where the machine's credentials are",
    "127.0.0.0/8": "the pod itself",
    "224.0.0.0/4": "multicast, which a VPC does not carry",
    "240.0.0.0/4": "reserved",
    "0.0.0.0/8": "reserved",
}
"""Ranges that are not outside the cluster. https://www.iana.org/assignments/iana-ipv4-special-registry/."""

SHORTEST_PREFIX = 8


def problems(settings: Settings) -> Iterator[Problem]:
    """Egress to an unknown service or to itself, to ranges wider than /8, or to ranges not outside the cluster.

    Not outside the cluster are the VPC, the addresses of the cluster's Services, and link-local, loopback, multicast
    and reserved addresses.
    """
    vpc = ipaddress.IPv4Network(settings.network.cidr)
    for name, service in settings.services.items():
        key = f"{PROJECT}:services.{name}.egress"
        for other in service.egress.services:
            if other == name:
                yield Problem(f"{key}.services", other, "other services: its own pods do not call each other")
            elif other not in settings.services:
                near = difflib.get_close_matches(other, settings.services, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(settings.services)}"
                yield Problem(f"{key}.services", other, f"unknown service; {hint}")
        listed: set[str] = set()
        for network in service.egress.networks:
            if network.cidr in listed:
                yield Problem(f"{key}.networks", network.cidr, "each range once, with all its ports")
            listed.add(network.cidr)
            yield from _network_problems(f"{key}.networks", network, vpc)


def service_range(vpc: ipaddress.IPv4Network) -> ipaddress.IPv4Network:
    """The range that EKS chooses for the cluster's Services: the one that does not overlap the VPC.

    https://docs.aws.amazon.com/eks/latest/APIReference/API_KubernetesNetworkConfigRequest.html
    https://github.com/awslabs/amazon-eks-ami, bootstrap.sh of AL2, which assumes the same rule
    """
    in_ten = vpc.subnet_of(ipaddress.IPv4Network("10.0.0.0/8"))
    return ipaddress.IPv4Network("172.20.0.0/16" if in_ten else "10.100.0.0/16")


def _network_problems(key: str, network: EgressNetwork, vpc: ipaddress.IPv4Network) -> Iterator[Problem]:
    cidr = ipaddress.IPv4Network(network.cidr)
    if cidr.prefixlen < SHORTEST_PREFIX:
        yield Problem(
            key,
            network.cidr,
            f"ranges that are /{SHORTEST_PREFIX} or smaller; `https: true` opens the world on port 443",
        )
        return
    if cidr.overlaps(vpc):
        yield Problem(key, network.cidr, f"ranges outside the VPC's, {vpc}: name services of it in egress.services")
    services = service_range(vpc)
    if cidr.overlaps(services):
        yield Problem(key, network.cidr, f"ranges outside the cluster's addresses of Services, {services}")
    for local, why in LOCAL.items():
        if cidr.overlaps(ipaddress.IPv4Network(local)):
            yield Problem(key, network.cidr, f"addresses of others: {local} is {why}")
