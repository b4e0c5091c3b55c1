"""The model of an Elasticsearch cluster: which nodes are in it, who votes, where the copies of its shards are. Pure.

Every index has one shard, and a replica where there is a second node: `auto_expand_replicas: 0-1`, as in the index
template of the platform and in Elasticsearch's own indices. Every node has all roles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

INDICES = (
    ".security-7",
    ".kibana_9",
    ".ds-logs-hello-dev-000001",
    ".ds-logs-hello-prod-000001",
    ".ds-logs-hello-platform",
)

START_SECONDS = 1.0
"""From the start of a node's container until it joins; a real one takes some 20 seconds more."""

RECOVERY_SECONDS = 1.0
"""How long the copy of a shard takes to another node; a real one takes minutes for some gigabytes."""

MOST_RECOVERIES = 2
"""At once and node: default of `cluster.routing.allocation.node_concurrent_recoveries`.

https://www.elastic.co/docs/reference/elasticsearch/configuration-reference/cluster-level-shard-allocation-routing-settings
"""

Version = tuple[int, ...]


def parsed(version: str) -> Version:
    """The parts of a version, to compare."""
    return tuple(int(part) for part in version.split("."))


@dataclass(frozen=True)
class Pod:
    """What the model knows of a pod of Elasticsearch.

    Attributes:
        volume: Id of its volume, which keeps the node's id and shards.
        running: Since when its container runs, in seconds; None if it does not.
    """

    name: str
    uid: str
    version: str
    address: str
    volume: str
    running: float | None


@dataclass
class Copy:
    """A copy of a shard.

    Attributes:
        node: Volume of the node that has it; None if it is unassigned.
        last: Volume of the node that had it last.
        target: Volume of the node to which it moves, or on which it is made from the primary.
        since: Since when.
    """

    primary: bool
    node: str | None = None
    last: str | None = None
    target: str | None = None
    since: float = 0.0

    @property
    def started(self) -> bool:
        """Whether it can be read; also while it moves."""
        return self.node is not None

    @property
    def state(self) -> str:
        """Its state, as `_cat/shards` names it."""
        if self.node is not None:
            return "RELOCATING" if self.target else "STARTED"
        return "INITIALIZING" if self.target else "UNASSIGNED"


@dataclass
class Shutdown:
    """A planned shutdown of a node, `remove` or `restart`."""

    type: str
    reason: str


@dataclass
class Cluster:
    """The cluster.

    Attributes:
        nodes: Pods of the nodes that are in the cluster, by volume.
        disks: Newest version that has written to each volume that there is.
        votes: The voting configuration: volumes of nodes.
        excluded: Volumes of nodes without a vote.
        story: What happened to nodes and shards, in order.
    """

    nodes: dict[str, Pod] = field(default_factory=dict[str, Pod])
    disks: dict[str, str] = field(default_factory=dict[str, str])
    votes: set[str] = field(default_factory=set[str])
    excluded: set[str] = field(default_factory=set[str])
    shutdowns: dict[str, Shutdown] = field(default_factory=dict[str, Shutdown])
    shards: dict[str, list[Copy]] = field(default_factory=dict[str, list[Copy]])
    story: list[str] = field(default_factory=list[str])
    _told: dict[str, str] = field(default_factory=dict[str, str])

    def observe(self, pods: Mapping[str, Pod], volumes: set[str], now: float) -> None:
        """Takes note of the pods by volume and of the volumes that there are, and lets time pass."""
        for volume, node in list(self.nodes.items()):
            if volume not in pods or pods[volume].uid != node.uid:
                self._leave(volume)
        for volume in set(self.disks) - volumes:
            self.disks.pop(volume)
        if not self.disks:  # of the cluster nothing is left
            self.votes, self.excluded, self.shutdowns, self.shards = set(), set(), {}, {}
        for volume, pod in sorted(pods.items(), key=lambda one: one[1].name):
            if volume not in self.nodes and pod.running is not None and now - pod.running >= START_SECONDS:
                self._join(volume, pod)
        self._vote()
        self._allocate(now)
        self._tell("health", self.health())

    def _join(self, volume: str, pod: Pod) -> None:
        """A node joins, if its version may.

        https://github.com/elastic/elasticsearch/blob/v9.1.0/server/src/main/java/org/elasticsearch/env/NodeMetadata.java
        https://github.com/elastic/elasticsearch/blob/v9.1.0/server/src/main/java/org/elasticsearch/cluster/coordination/NodeJoinExecutor.java
        """
        written = self.disks.get(volume, pod.version)
        if parsed(written) > parsed(pod.version):
            self._tell(pod.name, f"cannot downgrade a node from version [{written}] to version [{pod.version}]")
            return
        oldest = min((parsed(one.version) for one in self.nodes.values()), default=parsed(pod.version))
        if parsed(pod.version) < oldest:
            self._tell(pod.name, f"node version [{pod.version}] may not join a cluster of newer nodes only")
            return
        self.nodes[volume] = pod
        self.disks[volume] = pod.version
        self._tell(pod.name, f"joined with {pod.version}")
        if not self.votes:
            self.votes = {volume}
        for copies in self.shards.values():
            for copy in copies:
                # What was there before is complete only if it was the last copy, or the node was away for a restart.
                if copy.node is None and copy.last == volume and not copy.target:
                    copy.node = volume

    def _leave(self, volume: str) -> None:
        """A node is gone, with what it has."""
        node = self.nodes.pop(volume)
        held = [name for name, copies in self.shards.items() if any(copy.node == volume for copy in copies)]
        safe = [name for name in held if any(one.node not in (None, volume) for one in self.shards[name])]
        self._tell(node.name, f"left with {len(held)} shards, {len(held) - len(safe)} of them only there")
        for copies in self.shards.values():
            for copy in copies:
                if copy.target == volume:
                    copy.target = None
                if copy.node == volume:
                    copy.node, copy.last, copy.target = None, volume, None
            other = next((one for one in copies if one.started), None)
            for copy in copies:
                if copy.primary and not copy.started and other is not None:
                    copy.primary, other.primary = False, True

    def _vote(self) -> None:
        """The master adapts the voting configuration, if there is a master.

        https://github.com/elastic/elasticsearch/blob/v9.1.0/server/src/main/java/org/elasticsearch/cluster/coordination/Reconfigurator.java
        """
        self._tell("cluster", "has a master" if self.has_master else "has no master")
        if not self.has_master:
            return
        stays = set(self.nodes) - self.excluded
        candidates = sorted(stays, key=lambda one: (one not in self.votes, self.nodes[one].name))
        gone = sorted(self.votes - set(self.nodes) - self.excluded)
        least = 1 if len([one for one in (*candidates, *gone) if one in self.votes]) < 3 else 3
        live = len(candidates)
        size = max(live - 1 if live % 2 == 0 else live, least)
        votes = set([*candidates, *gone][:size])
        if 2 * len(votes & set(self.nodes)) > len(votes):
            self.votes = votes

    def exclude(self, names: set[str]) -> bool:
        """Takes their vote from nodes; says whether they have none now."""
        self.excluded |= {volume for volume, node in self.nodes.items() if node.name in names}
        self._vote()
        return not self.votes & self.excluded

    @property
    def has_master(self) -> bool:
        """Whether more than half of those who vote are there."""
        return 2 * len(self.votes & set(self.nodes)) > len(self.votes)

    def _allocate(self, now: float) -> None:
        """Recoveries end, replicas are added and removed, and shards move: to free nodes, and off those that go."""
        if not self.has_master:
            return
        if not self.shards:
            self.shards = {name: [Copy(primary=True, node=min(self.nodes))] for name in INDICES}
        for name, copies in self.shards.items():
            for copy in copies:
                if copy.target and now - copy.since >= RECOVERY_SECONDS:
                    if copy.node:
                        self._tell(name, f"moved from {self._name(copy.node)} to {self._name(copy.target)}")
                    copy.node, copy.last, copy.target = copy.target, copy.target, None
            self._expand(copies)
        for copies in self.shards.values():
            self._place(copies, now)
        self._balance(now)

    def _expand(self, copies: list[Copy]) -> None:
        """`auto_expand_replicas`: a replica if another node than the primary's stays in the cluster."""
        wanted = 1 if len([one for one in self.nodes if not self._goes(one)]) > 1 or self._restarts() else 0
        replicas = [copy for copy in copies if not copy.primary]
        if len(replicas) < wanted:
            copies.append(Copy(primary=False))
        if len(replicas) > wanted:
            copies.remove(replicas[-1])

    def _place(self, copies: list[Copy], now: float) -> None:
        for copy in copies:
            if copy.target:
                continue
            waits = copy.last is not None and copy.last not in self.nodes and copy.last in self.shutdowns
            if self._goes(copy.node) if copy.node else not copy.primary and not waits:
                copy.target = next(self._free(copies), None)
            copy.since = now if copy.target else copy.since

    def _free(self, copies: list[Copy], most: int = MOST_RECOVERIES) -> Iterator[str]:
        """Nodes that may get a copy of a shard, the emptiest first; not those with so many recoveries already.

        Not beside another copy, not on a node that goes, no replica on a node older than the primary's.
        https://github.com/elastic/elasticsearch/tree/v9.1.0/server/src/main/java/org/elasticsearch/cluster/routing/allocation/decider
        """
        primary = next(copy for copy in copies if copy.primary)
        if primary.node is None:
            return
        least = parsed(self.nodes[primary.node].version)
        taken = {one for copy in copies for one in (copy.node, copy.target)}
        for volume in sorted(self.nodes, key=lambda one: (self._held(one), self.nodes[one].name)):
            recovers = sum(copy.target == volume for _, copy in self._copies())
            old = parsed(self.nodes[volume].version) < least
            if volume not in taken and not self._goes(volume) and not old and recovers < most:
                yield volume

    def _balance(self, now: float) -> None:
        """Moves a shard to a node that has two fewer."""
        if any(copy.target or copy.node is None for _, copy in self._copies()):
            return
        for copies in self.shards.values():
            for copy in copies:
                target = next(self._free(copies), None)
                if target and copy.node and self._held(copy.node) - self._held(target) >= 2:
                    copy.target, copy.since = target, now
                    return

    def _copies(self) -> Iterator[tuple[str, Copy]]:
        return ((name, copy) for name, copies in self.shards.items() for copy in copies)

    def _held(self, volume: str) -> int:
        return sum(volume in (copy.node, copy.target) for _, copy in self._copies())

    def _goes(self, volume: str) -> bool:
        return volume in self.shutdowns and self.shutdowns[volume].type == "remove"

    def _restarts(self) -> bool:
        """Whether a node is away that is to come back: then replicas stay."""
        return any(one.type == "restart" and volume not in self.nodes for volume, one in self.shutdowns.items())

    def migration(self, volume: str) -> tuple[str, int, str]:
        """Status of a shutdown's shard migration, shards that are left, and why.

        https://github.com/elastic/elasticsearch/blob/v9.1.0/x-pack/plugin/shutdown/src/main/java/org/elasticsearch/xpack/shutdown/TransportGetShutdownStatusAction.java
        """
        if self.shutdowns[volume].type == "restart":
            return "COMPLETE", 0, "no shard relocation is necessary for a node restart"
        here = [(name, copy) for name, copy in self._copies() if copy.node == volume]
        if any(copy.target or any(self._free(self.shards[name], len(INDICES))) for name, copy in here):
            return "IN_PROGRESS", len(here), ""
        for name, copy in here:
            others = (one.node for one in self.shards[name] if one is not copy)
            if not any(one is not None and one not in self.shutdowns for one in others):
                kind = "primary" if copy.primary else "replica"
                return "STALLED", len(here), f"shard [0] [{kind}] of index [{name}] cannot move"
        return "COMPLETE", 0, ""

    def health(self) -> str:
        """`green`, `yellow` if a replica is missing, `red` if a primary is."""
        missing = [copy for _, copy in self._copies() if not copy.started]
        if not missing:
            return "green"
        return "red" if any(copy.primary for copy in missing) else "yellow"

    def _name(self, volume: str) -> str:
        return self.nodes[volume].name if volume in self.nodes else volume

    def _tell(self, what: str, state: str) -> None:
        if self._told.get(what) != state:
            self._told[what] = state
            self.story.append(f"{what} {state}" if what != "health" else f"health is {state}")
