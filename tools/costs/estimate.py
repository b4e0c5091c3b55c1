"""The monthly price of a stack's resources, as far as it is known before anybody uses them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import config
from config.quantities import memory_bytes
from tools.program.graph import Graph, Registration

HOURS = 730
"""Hours of a month, as AWS's calculator has it: https://calculator.aws/."""

SMALLER = {"nano": 1 / 16, "micro": 1 / 8, "small": 1 / 4, "medium": 1 / 2, "large": 1.0}
"""Sizes up to large, as multiples of its price."""

GIB = 2**30

LOGS = "GiB of Elasticsearch's volumes"

ONE_MORE_GIB = 100
"""GiB of logs whose price is shown."""

NOT_INCLUDED = (
    "traffic: gigabytes through NAT gateways, to the internet and between zones; load balancers' capacity units",
    "logs in CloudWatch, requests and gigabytes in S3, images in ECR, by the gigabyte",
    "nodes that the autoscaler adds, up to each group's maximum",
    "taxes, support; savings plans and the free tier, which lower it",
)


@dataclass(frozen=True)
class Prices:
    """Prices of a region in US dollars: an hour of an instance of size large by family, and of everything else.

    Attributes:
        region: The region.
        date: When they were valid.
        instances: An hour of a `large` instance, by family.
        others: An hour, or a month of what is charged by the month, by name.
    """

    region: str
    date: str
    instances: Mapping[str, float]
    others: Mapping[str, float]

    @classmethod
    def read(cls, file: Path) -> Prices:
        """The prices in a file such as `prices.yaml`."""
        content: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        region, date, instances = (content.pop(key) for key in ("region", "date", "instances"))
        return cls(str(region), str(date), instances, content)

    def instance(self, instance_type: str) -> float | None:
        """A month of an instance; None if the family is not in the table."""
        family, _, size = instance_type.partition(".")
        large, times = self.instances.get(family), _times_large(size)
        return None if large is None or times is None else large * times * HOURS

    def hours(self, name: str) -> float:
        """A month of what is charged by the hour."""
        return self.others[name] * HOURS


def _times_large(size: str) -> float | None:
    """How much more a size costs than `large`: 0.5 for `medium`, 2 for `xlarge`, 8 for `4xlarge`."""
    if size in SMALLER:
        return SMALLER[size]
    match = re.fullmatch(r"(\d*)xlarge", size)
    return 2.0 * int(match[1] or 1) if match else None


@dataclass(frozen=True)
class Item:
    """Resources of one kind and what they cost.

    Attributes:
        part: The part of the platform: `nodes of prod`, `network`.
        what: The resources, such as `NAT gateway`.
        number: How many.
        each: A month of one, in US dollars; None if the table has no price.
    """

    part: str
    what: str
    number: float
    each: float | None

    @property
    def month(self) -> float:
        """A month of all; 0 without a price."""
        return self.number * (self.each or 0)


def items(graph: Graph, prices: Prices) -> Iterator[Item]:
    """What is charged whether it is used or not."""
    yield Item("cluster", "control plane", _count(graph, "eks:index:Cluster"), prices.hours("cluster"))
    yield from _nodes(graph, prices)
    gateways = _count(graph, "aws:ec2/natGateway:NatGateway")
    yield Item("network", "NAT gateway", gateways, prices.hours("nat-gateway"))
    endpoints = [one for one in _of(graph, "aws:ec2/vpcEndpoint:VpcEndpoint") if _is_interface(one)]
    zones = sum(len(one.inputs["subnetIds"]) for one in endpoints)
    if zones:
        yield Item("network", "interface endpoint in a zone", zones, prices.hours("interface-endpoint"))
    classes = {str(one.spec["ingressClassName"]) for one in graph.objects() if one.kind == "Ingress"}
    yield Item("load balancers", "load balancer", len(classes), prices.hours("load-balancer"))
    addresses = gateways + sum(
        len(one.spec["subnets"]["ids"])
        for one in graph.objects()
        if one.kind == "IngressClassParams" and one.name in classes
    )
    yield Item("network", "public IPv4 address", addresses, prices.hours("public-address"))
    yield from _volumes(graph, prices)
    yield Item("keys", "KMS key", _count(graph, "aws:kms/key:Key"), prices.others["key"])


def one_more(found: Sequence[Item]) -> dict[str, float]:
    """What one more of something would add a month, by the setting that adds it."""
    more: dict[str, float] = {}
    for environment in config.ENVIRONMENTS:
        part = [item for item in found if item.part == f"nodes of {environment}"]
        nodes = part[0].number
        more[f"a node of {environment} (environments.{environment}.nodes)"] = sum(item.month for item in part) / nodes
    each = {item.what: item.each or 0 for item in found}
    more["a NAT gateway in another zone (network.natGateways)"] = each["NAT gateway"] + each["public IPv4 address"]
    more[f"{ONE_MORE_GIB} GiB of logs (logs.storageGib)"] = ONE_MORE_GIB * each.get(LOGS, 0)
    return more


def _of(graph: Graph, token: str) -> list[Registration]:
    return [one for one in graph.resources.values() if one.type == token]


def _count(graph: Graph, token: str) -> int:
    return len(_of(graph, token))


def _is_interface(endpoint: Registration) -> bool:
    return endpoint.inputs.get("vpcEndpointType") == "Interface"


def _nodes(graph: Graph, prices: Prices) -> Iterator[Item]:
    """Nodes and their root volumes, at the sizes with which the groups are created."""
    for group in _of(graph, "hello:platform:NodeGroup"):
        inside = [one for one in graph.resources.values() if one.parent == group.urn]
        (template,) = (one for one in inside if one.type == "aws:ec2/launchTemplate:LaunchTemplate")
        number = sum(
            int(one.inputs["scalingConfig"]["desiredSize"]) for one in inside if one.type.endswith("NodeGroup")
        )
        managed = next(one for one in inside if one.type.endswith("NodeGroup"))
        instance_type = str(template.inputs.get("instanceType") or managed.inputs["instanceTypes"][0])
        # Nobody pays more for Spot than on demand, but the price changes by the hour.
        # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-instances-history.html
        bought = "Spot, at most" if managed.inputs.get("capacityType") == "SPOT" else "on demand"
        disk = sum(int(one["ebs"]["volumeSize"]) for one in template.inputs["blockDeviceMappings"])
        part = f"nodes of {managed.inputs['labels']['environment']}"
        part += " for services" if "nodes" in managed.inputs["labels"] else ""
        yield Item(part, f"{instance_type}, {bought}", number, prices.instance(instance_type))
        yield Item(part, "GiB of root volumes", number * disk, prices.others["volume-gib"])


def _volumes(graph: Graph, prices: Prices) -> Iterator[Item]:
    """Volumes of Elasticsearch, and of what charts and the program claim."""
    for one in graph.objects():
        if one.kind == "Elasticsearch":
            gib = sum(
                int(nodes["count"]) * _gib(claim["spec"])
                for nodes in one.spec["nodeSets"]
                for claim in nodes["volumeClaimTemplates"]
            )
            yield Item("logs", LOGS, gib, prices.others["volume-gib"])
        elif one.kind == "PersistentVolumeClaim":
            yield Item("delivery", f"GiB of {one.name}", _gib(one.spec), prices.others["volume-gib"])
    for release in _of(graph, "kubernetes:helm.sh/v3:Release"):
        if size := release.inputs.get("values", {}).get("persistence", {}).get("size"):
            yield Item("delivery", f"GiB of {release.name}", memory_bytes(size) / GIB, prices.others["volume-gib"])


def _gib(claim: Mapping[str, Any]) -> float:
    return memory_bytes(claim["resources"]["requests"]["storage"]) / GIB
