"""Quotas and nodes that are large enough for a release."""

from __future__ import annotations

from collections.abc import Iterator

from config import capacity
from config.capacity import Pods, Resources
from config.instance_types import instance_types
from config.models.base import PROJECT, EnvironmentName
from config.models.cluster import Nodes, Quota, ServiceNodes
from config.problems import Problem
from config.settings import Settings
from contract.quantities import UNITS


def problems(settings: Settings) -> Iterator[Problem]:
    """A quota, an instance type or a maximum number of nodes that is too small for a release.

    They have to hold every service's live slot at its maximum and the second slot of the largest service; the nodes
    also the add-ons and, for dev, the tools. CPU, memory and EKS's maximum number of pods per node are checked.
    """
    for name, environment in settings.environments.items():
        key = f"{PROJECT}:environments.{name}"
        moments = capacity.releases(settings.services, name)
        yield from _quota_problems(f"{key}.quota", environment.quota, capacity.demand(moments))
        yield from _node_problems(key, settings, name, moments)


def _quota_problems(key: str, quota: Quota, needed: Resources) -> Iterator[Problem]:
    admitted = capacity.allowed_by_quota(quota)
    why = "every service at its maximum, and the largest in both slots"
    if admitted.cpu_millis < needed.cpu_millis:
        yield Problem(f"{key}.cpu", quota.cpu, f"{needed.cpu_millis}m or more: {why}")
    if admitted.memory < needed.memory:
        yield Problem(f"{key}.memory", quota.memory, f"{-(-needed.memory // UNITS['Mi'])}Mi or more: {why}")
    if admitted.pods < needed.pods:
        yield Problem(f"{key}.pods", str(quota.pods), f"{needed.pods} or more: {why}")


def _node_problems(
    key: str, settings: Settings, environment: EnvironmentName, moments: list[list[Pods]]
) -> Iterator[Problem]:
    chosen = settings.environments.of(environment)
    others = [
        *capacity.ON_EACH_ENVIRONMENT,
        *(() if settings.tainted(environment) else capacity.tooling(settings.logs)),
    ]
    if chosen.service_nodes is None:
        yield from _pool_problems(f"{key}.nodes", chosen.nodes, [[*moment, *others] for moment in moments])
    else:
        yield from _pool_problems(f"{key}.nodes", chosen.nodes, [others])
        yield from _pool_problems(f"{key}.serviceNodes", chosen.service_nodes, moments)


def _pool_problems(key: str, nodes: Nodes | ServiceNodes, moments: list[list[Pods]]) -> Iterator[Problem]:
    node = capacity.available_on_any(instance_types()[name] for name in nodes.instance_types)
    types = f"{key}.instanceType" if isinstance(nodes, Nodes) else f"{key}.instanceTypes"
    names = " or ".join(nodes.instance_types)
    unplaced = [pods for pods in moments[0] if not pods.one.times_in(node)]
    if unplaced:
        pods = max(unplaced, key=lambda kind: (kind.one.memory, kind.one.cpu_millis))
        yield Problem(
            types,
            names,
            f"a larger type: beside the DaemonSets, a node has room for {node}; one pod of {pods.name} requests "
            f"{pods.one.amounts}",
        )
        return
    needed = max(capacity.nodes_needed(moment, node) or 0 for moment in moments)
    if needed > nodes.max:
        requested = capacity.demand(moments)
        yield Problem(
            f"{key}.max",
            str(nodes.max),
            f"{needed} or more nodes of {names}, or a larger {'.'.join(types.split('.')[-2:])}: every service at its "
            f"maximum, the largest in both slots, and the platform's own pods request {requested}; beside the "
            f"DaemonSets, a node has room for {node}",
        )
