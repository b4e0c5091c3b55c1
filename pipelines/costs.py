"""The monthly price of a stack's resources, as far as it is known before anybody uses them.

The resources are a program's own, or those of a preview before and after a change: no request is made, and no
credentials are needed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

from contract.blue_green import TEST_ENVIRONMENT, VERIFIED_ENVIRONMENT
from contract.quantities import memory_bytes

PRICES = Path(__file__).with_name("prices.yaml")
"""The table that comes with the project."""

HOURS = 730
"""Hours of a month, as AWS's calculator has it: https://calculator.aws/."""

SMALLER = {"nano": 1 / 16, "micro": 1 / 8, "small": 1 / 4, "medium": 1 / 2, "large": 1.0}
"""Sizes up to large, as multiples of its price."""

GIB = 2**30

LOGS = "GiB of Elasticsearch's volumes"

GATEWAY = "NAT gateway"
ADDRESS = "public IPv4 address"

CENT = 0.01
"""US dollars below which a difference is none."""

ONE_MORE_GIB = 100
"""GiB of logs whose price is shown."""

NOT_INCLUDED = (
    "traffic: gigabytes through NAT gateways, to the internet and between zones; load balancers' capacity units",
    "logs in CloudWatch, requests and gigabytes in S3, images in ECR, by the gigabyte",
    "nodes that the autoscaler adds, up to each group's maximum",
    "taxes, support; savings plans and the free tier, which lower it",
)


class Resource(Protocol):
    """A resource of a stack."""

    @property
    def type(self) -> str:
        """Its type token."""
        ...

    @property
    def name(self) -> str:
        """Its name in the program."""
        ...

    @property
    def urn(self) -> str:
        """Its URN."""
        ...

    @property
    def parent(self) -> str:
        """Its parent's URN; empty without one."""
        ...

    @property
    def inputs(self) -> Mapping[str, Any]:
        """Its inputs as plain values."""
        ...


Resources = Collection[Resource]


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
    def read(cls, file: Path = PRICES) -> Prices:
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


def items(resources: Resources, prices: Prices) -> Iterator[Item]:
    """What is charged whether it is used or not; of what there is none, nothing."""
    clusters = len(_of(resources, "eks:index:Cluster"))
    gateways = len(_of(resources, "aws:ec2/natGateway:NatGateway"))
    endpoints = [one for one in _of(resources, "aws:ec2/vpcEndpoint:VpcEndpoint") if _is_interface(one)]
    zones = sum(len(one.inputs["subnetIds"]) for one in endpoints)
    classes = {str(one.inputs["spec"]["ingressClassName"]) for one in _of_kind(resources, "Ingress")}
    addresses = gateways + sum(
        len(one.inputs["spec"]["subnets"]["ids"])
        for one in _of_kind(resources, "IngressClassParams")
        if one.inputs["metadata"]["name"] in classes
    )
    found = [
        Item("cluster", "control plane", clusters, prices.hours("cluster")),
        *_nodes(resources, prices),
        Item("network", GATEWAY, gateways, prices.hours("nat-gateway")),
        Item("network", "interface endpoint in a zone", zones, prices.hours("interface-endpoint")),
        Item("load balancers", "load balancer", len(classes), prices.hours("load-balancer")),
        Item("network", ADDRESS, addresses, prices.hours("public-address")),
        *_volumes(resources, prices),
        Item("keys", "KMS key", len(_of(resources, "aws:kms/key:Key")), prices.others["key"]),
    ]
    return (item for item in found if item.number)


def one_more(found: Sequence[Item]) -> dict[str, float]:
    """What one more of something would add a month, by the setting that adds it."""
    more: dict[str, float] = {}
    for environment in (TEST_ENVIRONMENT, VERIFIED_ENVIRONMENT):
        part = [item for item in found if item.part == f"nodes of {environment}"]
        nodes = part[0].number
        more[f"a node of {environment} (environments.{environment}.nodes)"] = sum(item.month for item in part) / nodes
    each = {item.what: item.each or 0 for item in found}
    more["a NAT gateway in another zone (network.natGateways)"] = each[GATEWAY] + each[ADDRESS]
    more[f"{ONE_MORE_GIB} GiB of logs (logs.storageGib)"] = ONE_MORE_GIB * each.get(LOGS, 0)
    return more


@dataclass(frozen=True)
class Difference:
    """What a change of a stack adds to its price.

    Attributes:
        month: US dollars a month; negative for less.
        parts: The same by part of the platform and kind of resource, without those that cost the same; the largest
            first.
        unpriced: What the change brings in and the table has no price of, such as an instance type.
    """

    month: float
    parts: Mapping[str, float]
    unpriced: tuple[str, ...]

    def __str__(self) -> str:
        """In a sentence."""
        largest = ", ".join(f"{_signed(month)} {part}" for part, month in self.parts.items())
        unknown = f"; no price is known of {', '.join(self.unpriced)}" if self.unpriced else ""
        if not self.parts:
            return f"This change costs the same{unknown}"
        return f"This change: {_signed(self.month)} a month before use ({largest}){unknown}"


def difference(before: Resources, after: Resources, prices: Prices) -> Difference:
    """What a change from one set of resources to another adds.

    Raises:
        KeyError: An input that decides on the price is not known before the change.
        TypeError: Likewise.
        ValueError: Likewise.
    """
    old = {(item.part, item.what): item for item in items(before, prices)}
    new = {(item.part, item.what): item for item in items(after, prices)}
    months = {
        f"{what} ({part})": _month(new.get((part, what))) - _month(old.get((part, what)))
        for part, what in dict.fromkeys([*old, *new])
    }
    changed = {what: month for what, month in months.items() if abs(month) >= CENT}
    unpriced = [item.what for key, item in new.items() if item.each is None and item != old.get(key)]
    largest_first = dict(sorted(changed.items(), key=lambda one: -abs(one[1])))
    return Difference(sum(changed.values()), largest_first, tuple(unpriced))


def _month(item: Item | None) -> float:
    return item.month if item else 0


def _signed(month: float) -> str:
    """Dollars with their sign: `+$31`, `-$0.50`."""
    amount = abs(month)
    return f"{'-' if month < 0 else '+'}${amount:.2f}" if amount < 1 else f"{'-' if month < 0 else '+'}${amount:,.0f}"


def _of(resources: Resources, token: str) -> list[Resource]:
    return [one for one in resources if one.type == token]


def _of_kind(resources: Resources, kind: str) -> list[Resource]:
    """The Kubernetes objects of a kind."""
    return [one for one in resources if one.type.startswith("kubernetes:") and one.inputs.get("kind") == kind]


def _is_interface(endpoint: Resource) -> bool:
    return endpoint.inputs.get("vpcEndpointType") == "Interface"


def _nodes(resources: Resources, prices: Prices) -> Iterator[Item]:
    """Nodes and their root volumes, at the sizes with which the groups are created.

    A preview has the node groups that the managed ones consist of, with the inputs; a program alone has not.
    """
    parents = {one.urn: one.parent for one in resources}
    for group in _of(resources, "hello:platform:NodeGroup"):
        inside = [one for one in resources if group.urn in (one.parent, parents.get(one.parent))]
        groups = _of(inside, "aws:eks/nodeGroup:NodeGroup") or _of(inside, "eks:index:ManagedNodeGroup")
        number = sum(int(one.inputs["scalingConfig"]["desiredSize"]) for one in groups)
        managed = groups[0].inputs
        # Nobody pays more for Spot than on demand, but the price changes by the hour.
        # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-instances-history.html
        bought = "Spot, at most" if managed.get("capacityType") == "SPOT" else "on demand"
        for template in _of(inside, "aws:ec2/launchTemplate:LaunchTemplate"):
            instance_type = str(template.inputs.get("instanceType") or managed["instanceTypes"][0])
            disk = sum(int(one["ebs"]["volumeSize"]) for one in template.inputs["blockDeviceMappings"])
            part = f"nodes of {managed['labels']['environment']}"
            part += " for services" if "nodes" in managed["labels"] else ""
            yield Item(part, f"{instance_type}, {bought}", number, prices.instance(instance_type))
            yield Item(part, "GiB of root volumes", number * disk, prices.others["volume-gib"])


def _volumes(resources: Resources, prices: Prices) -> Iterator[Item]:
    """Volumes of Elasticsearch, and of what charts and the program claim."""
    for one in _of_kind(resources, "Elasticsearch"):
        gib = sum(
            int(nodes["count"]) * _gib(claim["spec"])
            for nodes in one.inputs["spec"]["nodeSets"]
            for claim in nodes["volumeClaimTemplates"]
        )
        yield Item("logs", LOGS, gib, prices.others["volume-gib"])
    for one in _of_kind(resources, "PersistentVolumeClaim"):
        yield Item("delivery", f"GiB of {one.name}", _gib(one.inputs["spec"]), prices.others["volume-gib"])
    for release in _of(resources, "kubernetes:helm.sh/v3:Release"):
        values: Any = release.inputs.get("values")
        # A preview masks values that are secret as a whole.
        size: Any = None if isinstance(values, str) or not values else values.get("persistence", {}).get("size")
        if size is not None:
            yield Item("delivery", f"GiB of {release.name}", memory_bytes(size) / GIB, prices.others["volume-gib"])


def _gib(claim: Mapping[str, Any]) -> float:
    return memory_bytes(claim["resources"]["requests"]["storage"]) / GIB
