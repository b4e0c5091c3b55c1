"""What the pods of an environment ask for, and how many nodes hold them. Pure: numbers in, numbers out.

An environment must hold both slots of a service in the middle of a release, at full load: every service's live slot at
its maximum, and once more the slot of the largest service.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from config.instance_types import InstanceType
from config.model import EnvironmentName, Logs, Quota, Service
from config.quantities import UNITS, cpu_millis, memory_bytes

MEMORY_OVERHEAD_PERMILLE = 75
"""Of an instance's memory: what its hypervisor and kernel take before the kubelet counts, in thousandths.

Karpenter's default for the same purpose, VM_MEMORY_OVERHEAD_PERCENT: https://karpenter.sh/docs/reference/settings/
"""


@dataclass(frozen=True)
class Room:
    """An amount of what pods ask for.

    Attributes:
        cpu_millis: Thousandths of a CPU core.
        memory: Bytes.
        pods: Number of pods.
    """

    cpu_millis: int
    memory: int
    pods: int

    def __add__(self, other: Room) -> Room:
        return Room(self.cpu_millis + other.cpu_millis, self.memory + other.memory, self.pods + other.pods)

    def __sub__(self, other: Room) -> Room:
        return self + -1 * other

    def __rmul__(self, times: int) -> Room:
        return Room(times * self.cpu_millis, times * self.memory, times * self.pods)

    def __str__(self) -> str:
        return f"{self.amounts}, {max(0, self.pods)} pods"

    @property
    def amounts(self) -> str:
        """CPU and memory for people; memory in MiB, rounded up."""
        return f"{max(0, self.cpu_millis)}m CPU, {-(-max(0, self.memory) // UNITS['Mi'])}Mi memory"

    def times_in(self, other: Room) -> int:
        """How often it fits into another one; 0 where that is overdrawn."""
        pairs = zip(_numbers(self), _numbers(other), strict=True)
        return max(0, min(there // asked if asked else there for asked, there in pairs if asked or there < 0))


def _numbers(room: Room) -> tuple[int, int, int]:
    return room.cpu_millis, room.memory, room.pods


@dataclass(frozen=True)
class Pods:
    """Pods that are all alike.

    Attributes:
        name: What they are, for messages.
        one: What one of them requests.
        count: How many there are.
    """

    name: str
    one: Room
    count: int

    @property
    def all(self) -> Room:
        """What they request together."""
        return self.count * self.one


def _requests(cpu: str, memory: str) -> Room:
    return Room(cpu_millis(cpu), memory_bytes(memory), 1)


ON_EVERY_NODE = (
    Pods("aws-node", Room(50, 0, 1), 1),
    Pods("kube-proxy", Room(100, 0, 1), 1),
    Pods("eks-pod-identity-agent", Room(0, 0, 1), 1),
    Pods("ebs-csi-node", _requests("30m", "120Mi"), 1),
    Pods("fluentd", _requests("100m", "384Mi"), 1),
)
"""DaemonSets, as EKS's add-ons request: `kubectl --namespace kube-system get daemonsets --output=yaml`; and ours."""

ON_EACH_ENVIRONMENT = (
    Pods("coredns", _requests("100m", "70Mi"), 1),
    Pods("metrics-server", _requests("100m", "200Mi"), 1),
    Pods("ebs-csi-controller", _requests("60m", "240Mi"), 1),
    Pods("cluster-autoscaler", _requests("50m", "512Mi"), 1),
    Pods("aws-load-balancer-controller", _requests("100m", "200Mi"), 1),
)
"""One of the two replicas of what prod needs in order to serve; the other one is on the other environment's nodes."""

KIBANA = Pods("Kibana", _requests("200m", "1Gi"), 1)
ELASTIC_OPERATOR = Pods("elastic-operator", _requests("100m", "200Mi"), 1)
LOGS_SETUP = Pods("logs-setup", _requests("50m", "64Mi"), 1)


def tooling(logs: Logs) -> list[Pods]:
    """What runs on the nodes that are not tainted. Jenkins is reserved, also where there is none."""
    return [
        Pods("Jenkins", _requests("510m", "2112Mi"), 1),
        Pods("Jenkins agent", _requests("500m", "1Gi"), 1),
        Pods("Jenkins agent that previews", _requests("500m", "2Gi"), 1),
        Pods("buildkitd", _requests("500m", "1Gi"), 1),
        Pods("Elasticsearch", _requests(logs.cpu, logs.memory), logs.nodes),
        KIBANA,
        ELASTIC_OPERATOR,
        LOGS_SETUP,
    ]


def node_room(kind: InstanceType) -> Room:
    """What a node of a type has left for pods beside the DaemonSets; may be overdrawn on a small type."""
    overhead = kind.memory_mib * MEMORY_OVERHEAD_PERMILLE // 1000
    whole = Room(kind.allocatable_cpu_millis, (kind.allocatable_memory_mib - overhead) * UNITS["Mi"], kind.pods)
    return whole - _sum(pods.one for pods in ON_EVERY_NODE)


def quota_room(quota: Quota) -> Room:
    """What a namespace's ResourceQuota admits."""
    return Room(cpu_millis(quota.cpu), memory_bytes(quota.memory), quota.pods)


def releases(services: Mapping[str, Service], environment: EnvironmentName) -> list[list[Pods]]:
    """The fullest moments of an environment: every live slot at its maximum, and one service's second slot as well.

    There is one for the service that is largest in each respect: CPU, memory, number of pods. An `exclusive` service
    never has two slots at once.
    """
    live = {name: _slot(name, service, environment) for name, service in services.items()}
    twice = [pods for name, pods in live.items() if not services[name].exclusive]
    if not twice:
        return [[*live.values()]]
    largest = {max(twice, key=lambda pods: _numbers(pods.all)[respect]) for respect in range(3)}
    return [[*live.values(), pods] for pods in sorted(largest, key=lambda pods: pods.name)]


def _slot(name: str, service: Service, environment: EnvironmentName) -> Pods:
    requests = service.resources.requests
    return Pods(name, _requests(requests.cpu, requests.memory), service.replicas.of(environment).max)


def demand(moments: Iterable[Sequence[Pods]]) -> Room:
    """The most of CPU, of memory and of pods that any of the moments asks for."""
    totals = [_numbers(_sum(pods.all for pods in moment)) for moment in moments]
    return Room(*(max(numbers) for numbers in zip(*totals, strict=True)))


def nodes_needed(pods: Iterable[Pods], node: Room) -> int | None:
    """How many nodes hold the pods, placed by first fit, the largest first.

    Args:
        pods: What is to be placed.
        node: What each node has room for.

    Returns:
        The number of nodes; None if there is a pod that an empty node cannot hold.
    """
    left: list[Room] = []
    for kind in sorted(pods, key=lambda one: (-_share(one.one, node), one.name)):
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


def _share(one: Room, node: Room) -> float:
    """The greatest part of a node that a pod asks for in any respect."""
    return max(asked / max(there, 1) for asked, there in zip(_numbers(one), _numbers(node), strict=True))


def _sum(rooms: Iterable[Room]) -> Room:
    return sum(rooms, start=Room(0, 0, 0))
