"""The requests of an environment's pods, and the number of nodes that they need. Pure functions.

An environment must have room for a release at full load: every service's live slot at its maximum, and a second slot of
the largest service. The warm slots of others give way to it (`release/duties.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from config.instance_types import InstanceType
from config.models.base import EnvironmentName
from config.models.cluster import Quota
from config.models.logs import Logs
from config.models.service import Service
from contract.quantities import UNITS, cpu_millis, memory_bytes

MEMORY_OVERHEAD_PERMILLE = 75
"""The part of an instance's memory that hypervisor and kernel take, in thousandths.

Karpenter's default for the same purpose, VM_MEMORY_OVERHEAD_PERCENT: https://karpenter.sh/docs/reference/settings/
"""


@dataclass(frozen=True)
class Resources:
    """An amount of resources: what pods request, or what a node or a quota offers.

    Attributes:
        cpu_millis: Thousandths of a CPU core.
        memory: Bytes.
        pods: Number of pods.
    """

    cpu_millis: int
    memory: int
    pods: int

    def __add__(self, other: Resources) -> Resources:
        return Resources(self.cpu_millis + other.cpu_millis, self.memory + other.memory, self.pods + other.pods)

    def __sub__(self, other: Resources) -> Resources:
        return self + -1 * other

    def __rmul__(self, times: int) -> Resources:
        return Resources(times * self.cpu_millis, times * self.memory, times * self.pods)

    def __str__(self) -> str:
        return f"{self.amounts}, {max(0, self.pods)} pods"

    @property
    def amounts(self) -> str:
        """CPU and memory as text; memory in MiB, rounded up."""
        return f"{max(0, self.cpu_millis)}m CPU, {-(-max(0, self.memory) // UNITS['Mi'])}Mi memory"

    def times_in(self, other: Resources) -> int:
        """How often it fits into another amount; 0 if a number of that is negative."""
        pairs = zip(_numbers(self), _numbers(other), strict=True)
        return max(0, min(offer // request if request else offer for request, offer in pairs if request or offer < 0))


def _numbers(resources: Resources) -> tuple[int, int, int]:
    return resources.cpu_millis, resources.memory, resources.pods


@dataclass(frozen=True)
class Pods:
    """A number of equal pods.

    Attributes:
        name: Their name, for messages.
        one: The requests of one pod.
        count: The number of pods.
    """

    name: str
    one: Resources
    count: int

    @property
    def all(self) -> Resources:
        """The requests of all of them."""
        return self.count * self.one


def _requests(cpu: str, memory: str) -> Resources:
    return Resources(cpu_millis(cpu), memory_bytes(memory), 1)


ON_EVERY_NODE = (
    Pods("aws-node", Resources(50, 0, 1), 1),
    Pods("kube-proxy", Resources(100, 0, 1), 1),
    Pods("eks-pod-identity-agent", Resources(0, 0, 1), 1),
    Pods("ebs-csi-node", _requests("30m", "120Mi"), 1),
    Pods("fluentd", _requests("100m", "384Mi"), 1),
)
"""DaemonSets: EKS's add-ons, by `kubectl --namespace kube-system get daemonsets --output=yaml`; Fluentd."""

ON_EACH_ENVIRONMENT = (
    Pods("coredns", _requests("100m", "70Mi"), 1),
    Pods("metrics-server", _requests("100m", "200Mi"), 1),
    Pods("ebs-csi-controller", _requests("60m", "240Mi"), 1),
    Pods("cluster-autoscaler", _requests("50m", "512Mi"), 1),
    Pods("aws-load-balancer-controller", _requests("100m", "200Mi"), 1),
)
"""Programs with two replicas, which every environment needs in order to serve: one replica is on each one's nodes."""

KIBANA = Pods("Kibana", _requests("200m", "2Gi"), 1)
ELASTIC_OPERATOR = Pods("elastic-operator", _requests("100m", "200Mi"), 1)
LOGS_SETUP = Pods("logs-setup", _requests("50m", "64Mi"), 1)


def tooling(logs: Logs) -> list[Pods]:
    """The tools, which run on the nodes without a taint. Room for all of delivery is kept even if there is none."""
    return [
        Pods("Jenkins", _requests("510m", "2304Mi"), 1),
        Pods("Jenkins agent", _requests("500m", "1Gi"), 1),
        Pods("Jenkins agent that previews", _requests("500m", "2Gi"), 1),
        Pods("buildkitd", _requests("500m", "1Gi"), 1),
        Pods("release reconciler", _requests("100m", "256Mi"), 1),
        Pods("page of releases", _requests("50m", "256Mi"), 1),
        Pods("Elasticsearch", _requests(logs.cpu, logs.memory), logs.nodes),
        KIBANA,
        ELASTIC_OPERATOR,
        LOGS_SETUP,
    ]


def available_on_node(kind: InstanceType) -> Resources:
    """What a node of a type offers to pods beside the DaemonSets; may be negative for a small type."""
    overhead = kind.memory_mib * MEMORY_OVERHEAD_PERMILLE // 1000
    whole = Resources(kind.allocatable_cpu_millis, (kind.allocatable_memory_mib - overhead) * UNITS["Mi"], kind.pods)
    return whole - _sum(pods.one for pods in ON_EVERY_NODE)


def available_on_any(kinds: Iterable[InstanceType]) -> Resources:
    """What a node of each of some types (one or more) offers at least."""
    return Resources(*map(min, zip(*(_numbers(available_on_node(kind)) for kind in kinds), strict=True)))


def allowed_by_quota(quota: Quota) -> Resources:
    """What a ResourceQuota allows."""
    return Resources(cpu_millis(quota.cpu), memory_bytes(quota.memory), quota.pods)


def releases(services: Mapping[str, Service], environment: EnvironmentName) -> list[list[Pods]]:
    """The pods during the largest releases: every live slot at its maximum, and the second slot of one service.

    A service with hooks has the pod of one beside its second slot. There is a list for the service that is largest in
    CPU, in memory, and in number of pods. An `exclusive` service never has pods in two slots.
    """
    live = {name: _slot(name, service, environment) for name, service in services.items()}
    twice = [
        replace(pods, count=pods.count + bool(services[name].hooks.model_dump(exclude_none=True)))
        for name, pods in live.items()
        if not services[name].exclusive
    ]
    if not twice:
        return [[*live.values()]]
    largest = {max(twice, key=lambda pods: _numbers(pods.all)[respect]) for respect in range(3)}
    return [[*live.values(), pods] for pods in sorted(largest, key=lambda pods: pods.name)]


def _slot(name: str, service: Service, environment: EnvironmentName) -> Pods:
    requests = service.resources.requests
    return Pods(name, _requests(requests.cpu, requests.memory), service.replicas.of(environment).max)


def demand(moments: Iterable[Sequence[Pods]]) -> Resources:
    """The most CPU, memory and pods that any of the lists requests."""
    totals = [_numbers(_sum(pods.all for pods in moment)) for moment in moments]
    return Resources(*(max(numbers) for numbers in zip(*totals, strict=True)))


def nodes_needed(pods: Iterable[Pods], node: Resources) -> int | None:
    """How many nodes hold the pods, placed by first fit, the largest first.

    Args:
        pods: The pods.
        node: What each node offers.

    Returns:
        The number of nodes; None if a pod does not fit on an empty node.
    """
    left: list[Resources] = []
    for kind in sorted(pods, key=lambda kind: (-_share(kind.one, node), kind.name)):
        waiting = kind.count
        for index, room in enumerate(left):
            placed = min(waiting, kind.one.times_in(room))
            left[index] = room - placed * kind.one
            waiting -= placed
        on_empty = kind.one.times_in(node)
        if waiting and not on_empty:
            return None
        while waiting:
            placed = min(waiting, on_empty)
            left.append(node - placed * kind.one)
            waiting -= placed
    return len(left)


def _share(pod: Resources, node: Resources) -> float:
    """The largest part of a node's CPU, memory or number of pods that a pod requests."""
    return max(request / max(offer, 1) for request, offer in zip(_numbers(pod), _numbers(node), strict=True))


def _sum(amounts: Iterable[Resources]) -> Resources:
    return sum(amounts, start=Resources(0, 0, 0))
