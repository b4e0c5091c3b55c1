"""The number of nodes."""

from __future__ import annotations

from collections.abc import Iterator

from config.instance_types import InstanceType, instance_types
from config.models.base import PROJECT, EnvironmentName
from config.models.cluster import ServiceNodes
from config.problems import Problem
from config.settings import Settings


def problems(settings: Settings) -> Iterator[Problem]:
    """Node groups without `min` ≤ `desired` ≤ `max`; types of two architectures; for prod, Spot instances or hours.

    The instance types of a group must be alike: the autoscaler takes each for a node of the first one.
    https://docs.aws.amazon.com/eks/latest/best-practices/cas.html
    """
    dev, prod = (instance_types()[environment.nodes.instance_type] for _, environment in settings.environments.items())
    if dev.architecture != prod.architecture:
        yield Problem(
            f"{PROJECT}:environments.prod.nodes.instanceType",
            prod.name,
            f"a type of {dev.architecture}, as environments.dev.nodes.instanceType, {dev.name}, is: both environments "
            "run the same images",
        )
    for name, environment in settings.environments.items():
        nodes = environment.nodes
        if not nodes.min <= nodes.desired <= nodes.max:
            yield Problem(
                f"{PROJECT}:environments.{name}.nodes",
                f"min {nodes.min}, desired {nodes.desired}, max {nodes.max}",
                "min ≤ desired ≤ max",
            )
        if environment.service_nodes:
            yield from _service_nodes_problems(name, environment.service_nodes, dev)


def _service_nodes_problems(name: EnvironmentName, nodes: ServiceNodes, other: InstanceType) -> Iterator[Problem]:
    key = f"{PROJECT}:environments.{name}.serviceNodes"
    if nodes.min > nodes.max:
        yield Problem(key, f"min {nodes.min}, max {nodes.max}", "min ≤ max")
    kinds = [instance_types()[kind] for kind in nodes.instance_types]
    first = kinds[0]
    if first.architecture != other.architecture:
        yield Problem(
            f"{key}.instanceTypes", first.name, f"types of {other.architecture}, as all nodes: they run the same images"
        )
    for kind in kinds[1:]:
        if (kind.architecture, kind.vcpus, kind.memory_mib) != (first.architecture, first.vcpus, first.memory_mib):
            yield Problem(
                f"{key}.instanceTypes",
                f"{kind.name} ({kind.architecture}, {kind.vcpus} vCPUs, {kind.memory_mib} MiB)",
                f"types like {first.name} ({first.architecture}, {first.vcpus} vCPUs, {first.memory_mib} MiB): the "
                "autoscaler takes each for the first one",
            )
    if nodes.hours and nodes.hours.start >= nodes.hours.stop:
        yield Problem(f"{key}.hours", f"{nodes.hours.start} to {nodes.hours.stop}", "start < stop, on the same day")
    if nodes.hours and name == "prod":
        yield Problem(f"{key}.hours", f"{nodes.hours.start} to {nodes.hours.stop}", "none: users come at any time")
    if nodes.spot and name == "prod":
        yield Problem(
            f"{key}.spot", "true", "false: AWS takes Spot instances back at two minutes' notice, many at once"
        )
