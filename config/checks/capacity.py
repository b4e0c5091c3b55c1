"""Whether quota and nodes hold both slots."""

from __future__ import annotations

from collections.abc import Iterator

from config import capacity
from config.capacity import Pods, Room
from config.instance_types import instance_types
from config.model import PROJECT, EnvironmentName, Quota, Settings
from config.problems import Problem
from config.quantities import UNITS


def problems(settings: Settings) -> Iterator[Problem]:
    """A quota, an instance type or a maximum of nodes that is too small for a release.

    It has to hold every service's live slot at its maximum and the second slot of the largest service; nodes also hold
    the add-ons and, beside dev, the tools. CPU, memory and EKS's number of pods a node count.
    """
    for name, environment in settings.environments.items():
        key = f"{PROJECT}:environments.{name}"
        moments = capacity.releases(settings.services, name)
        yield from _quota_problems(f"{key}.quota", environment.quota, capacity.demand(moments))
        yield from _node_problems(key, settings, name, moments)


def _quota_problems(key: str, quota: Quota, needed: Room) -> Iterator[Problem]:
    there = capacity.quota_room(quota)
    why = "every service at its maximum, and the largest in both slots"
    if there.cpu_millis < needed.cpu_millis:
        yield Problem(f"{key}.cpu", quota.cpu, f"{needed.cpu_millis}m or more: {why}")
    if there.memory < needed.memory:
        yield Problem(f"{key}.memory", quota.memory, f"{-(-needed.memory // UNITS['Mi'])}Mi or more: {why}")
    if there.pods < needed.pods:
        yield Problem(f"{key}.pods", str(quota.pods), f"{needed.pods} or more: {why}")


def _node_problems(
    key: str, settings: Settings, environment: EnvironmentName, moments: list[list[Pods]]
) -> Iterator[Problem]:
    nodes = settings.environments.of(environment).nodes
    node = capacity.node_room(instance_types()[nodes.instance_type])
    others = [
        *capacity.ON_EACH_ENVIRONMENT,
        *(() if settings.tainted(environment) else capacity.tooling(settings.logs)),
    ]
    unplaced = [pods for pods in [*moments[0], *others] if not pods.one.times_in(node)]
    if unplaced:
        pods = max(unplaced, key=lambda one: (one.one.memory, one.one.cpu_millis))
        yield Problem(
            f"{key}.nodes.instanceType",
            nodes.instance_type,
            f"a larger type: beside what runs on every node, one has room for {node}; one pod of {pods.name} asks for "
            f"{pods.one.amounts}",
        )
        return
    needed = max(capacity.nodes_needed([*moment, *others], node) or 0 for moment in moments)
    if needed > nodes.max:
        asked = capacity.demand([[*moment, *others] for moment in moments])
        yield Problem(
            f"{key}.nodes.max",
            str(nodes.max),
            f"{needed} or more nodes of {nodes.instance_type}, or a larger nodes.instanceType: every service at its "
            f"maximum, the largest in both slots, and the platform's own pods ask for {asked}; beside what runs on "
            f"every node, one has room for {node}",
        )
