"""The state of one service in one environment, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from contract.blue_green import BLUE, GREEN
from release.analysis.settings import Analysis
from release.history import Action, Entry, Outcome, Revision
from release.hooks.values import HookSettings, Job
from release.http import Target

UNSCHEDULABLE = "Unschedulable"
"""https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#PodStatus"""

QUOTA = "exceeded quota"
"""What the message of a pod that could not be created has.
https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/
"""


def live_slot(selected: str | None, uid: str, blue: Slot, green: Slot, history: Sequence[Entry]) -> str:
    """The slot that is live, or shall be: the selected one, as long as the Service is that of the last release.

    A Service that was deleted and made again by `pulumi up` selects its seed, perhaps with an old version.

    Args:
        selected: The slot in the active Service's selector.
        uid: The Service's UID.
        blue: The blue slot.
        green: The green slot.
        history: The releases, newest last.
    """
    slots = {BLUE: blue, GREEN: green}
    last = next((entry for entry in reversed(history) if entry.outcome is Outcome.RELEASED), None)
    uids = {entry.service_uid for entry in history if entry.service_uid}
    is_same = not uids or uid in uids  # a release that has begun since has put the selector right
    if selected in slots and is_same:
        return str(selected)
    if last is not None and slots[last.slot].revision is not None:
        return last.slot
    if selected in slots:
        return str(selected)
    return next((name for name, slot in slots.items() if slot.serves()), BLUE)


def other(slot: str) -> str:
    """The other slot."""
    return GREEN if slot == BLUE else BLUE


@dataclass(frozen=True)
class Trouble:
    """Why a pod is not ready.

    Attributes:
        reason: Kubernetes' reason, e.g. `ImagePullBackOff`.
        message: Kubernetes' message, for a person.
    """

    reason: str
    message: str

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}" if self.message else self.reason

    @property
    def is_lack_of_room(self) -> bool:
        """Whether the pod fits on no node, or not into the namespace's quota."""
        return self.reason == UNSCHEDULABLE or QUOTA in self.message


@dataclass(frozen=True)
class Pod:
    """A pod of a slot that is not terminating.

    Attributes:
        created: When it was created.
        is_ready: Whether it is ready.
        stopped: When a container of it stopped last, to be started again; None if none did.
    """

    created: datetime
    is_ready: bool
    stopped: datetime | None = None


@dataclass(frozen=True)
class Slot:
    """One of the two Deployments of a service.

    Attributes:
        name: `blue` or `green`.
        revision: What its pods run, or would run; None if it never got an image.
        desired: Desired number of pods: `spec.replicas`.
        ready: Number of ready pods.
        recent: Number of those that are ready for less than `min_ready_seconds`, by the Deployment's controller.
        min_ready_seconds: How long a pod has to be ready before users reach a new version.
        pods: Number of existing pods, terminating ones included.
        is_rolled_out: Whether the Deployment controller has observed the newest spec, and no pod is of an older one.
        troubles: Why pods of it are not ready.
        configuration: Names of the ConfigMaps and Secrets that its pods read.
        resource_version: Resource version of the Deployment.
        members: Its pods, without those that are terminating or have ended.
    """

    name: str
    revision: Revision | None = None
    desired: int = 0
    ready: int = 0
    recent: int = 0
    min_ready_seconds: int = 0
    pods: int = 0
    is_rolled_out: bool = True
    troubles: tuple[Trouble, ...] = ()
    configuration: tuple[str, ...] = ()
    resource_version: str = ""
    members: tuple[Pod, ...] = ()

    @property
    def has_pods(self) -> bool:
        """Whether it has pods, or is going to have some."""
        return self.desired > 0 or self.pods > 0

    @property
    def is_ready(self) -> bool:
        """Whether all desired pods are ready, and there is at least one."""
        return self.serves(at_least=self.desired)

    @property
    def is_available(self) -> bool:
        """Whether all desired pods have been ready for `min_ready_seconds`."""
        return self.is_ready and self.ready - self.recent >= self.desired

    def failing(self, since: datetime) -> int:
        """Number of its pods that are of before a time and not ready now, or of which a container stopped after it."""
        return sum(
            (not pod.is_ready and pod.created <= since) or (pod.stopped is not None and pod.stopped > since)
            for pod in self.members
        )

    def serves(self, *, at_least: int = 1) -> bool:
        """Whether all its pods run one revision, and at least this many of them are ready."""
        return self.revision is not None and self.is_rolled_out and self.ready >= max(1, at_least)


@dataclass(frozen=True)
class SmokeTest:
    """The request that a new version has to answer before it gets traffic.

    Attributes:
        path: Path of the request.
        status: Expected HTTP status.
        contains: Text that the body has to contain; None for any body.
        tries: Most requests until the test has failed.
        deadline_seconds: Seconds until the test has failed.
    """

    path: str
    status: int = 200
    contains: str | None = None
    tries: int = 10
    deadline_seconds: float = 60


@dataclass(frozen=True)
class Canary:
    """The canary of a service: how the load balancer's requests move to a new version before the switch.

    Attributes:
        steps: The weights in percent that the new slot gets, in their order.
        step_seconds: How long each of them lasts.
    """

    steps: tuple[int, ...]
    step_seconds: float


@dataclass(frozen=True)
class ForwardAction:
    """The action of the load balancer that forwards by weight to the slots of a service.

    Attributes:
        ingress: Name of the Ingress that has it.
        annotation: Key of its annotation.
        text: The annotation's value, as JSON.
    """

    ingress: str
    annotation: str
    text: str


@dataclass(frozen=True)
class OpenConnections:
    """Where the connections stay that were open before a switch: those of the load balancer's pool, for example.

    Attributes:
        slot: The slot that was live before.
        until: When its pods may be taken away at the earliest; None if they are ending already.
    """

    slot: str
    until: datetime | None

    def __str__(self) -> str:
        end = f"its pods are kept until {self.until:%Y-%m-%d %H:%M:%S %Z}" if self.until else "its pods are ending"
        return f"new connections reach the live slot; those that were open stay with slot {self.slot}: {end}"

    def to_json(self) -> dict[str, str | None]:
        """The value for `--json`; the time is in ISO 8601."""
        return {"slot": self.slot, "until": self.until.isoformat() if self.until else None}


@dataclass(frozen=True)
class ServiceState:
    """Everything that the next step of a release depends on.

    Attributes:
        environment: The namespace: `dev` or `prod`.
        service: The service.
        blue: The blue slot.
        green: The green slot.
        live: The slot that the active Service selects; if it selects none, or was made again since the last release,
            the one that the history says.
        preview: The slot that the preview Service selects.
        autoscaled: The slot that the autoscaler scales.
        minimum: The autoscaler's `minReplicas`.
        maximum: The autoscaler's `maxReplicas`.
        active_endpoints: Number of ready endpoints of the active Service by slot; those of unknown pods under "".
        preview_endpoints: The same of the preview Service.
        repository: Repository of the service's images.
        template: Hash of the current PodTemplate; of a release that is resumed, of the one that it began with.
        configuration: Names of the ConfigMaps and Secrets that the PodTemplate names.
        ports: Ports on which containers of the PodTemplate, of a slot or of a pod listen.
        exclusive: Whether two versions must never run at once.
        depends_on: The services that it calls.
        active_target: Address of the active Service.
        preview_target: Address of the preview Service.
        smoke_test: The service's smoke test.
        start_seconds: How long a container may take to start, by its startup probe.
        history: Its releases, newest last.
        verified: Digests that may be released; None if any may.
        now: The time of the observation.
        versions: Kind, name and resource version of each Deployment and EndpointSlice that was read.
        uid: UID of the active Service.
        is_selected: Whether the active Service selects `live`.
        selected: The slot in the active Service's selector, whatever it is; None without one.
        target: Name of the autoscaler's target; None if it is that of the slot `autoscaled`.
        dashboard: URL of the environment's dashboard in Kibana; empty if the PodTemplate names none.
        missing: The objects that somebody deleted, such as `Deployment api-blue`.
        anomalies: What else is in a state that this tool did not write, in words.
        canary: The canary of its settings; None without one.
        weights: The shares in percent of the load balancer's requests that the Ingress gives to the slots: 0 and 0 as
            long as it gives all to the active Service. None if the load balancer knows that Service only.
        action: The action with these weights; None without `weights`.
        analysis: The analysis of a new version by metrics; None without one.
        hooks: The hooks that the next release has.
        preview_replicas: Number of pods of a new version until it has passed its smoke test; None for the live slot's.
        jobs: The Jobs of the hooks of past releases, by name.
    """

    environment: str
    service: str
    blue: Slot
    green: Slot
    live: str
    preview: str
    autoscaled: str
    minimum: int
    maximum: int
    active_endpoints: Mapping[str, int]
    preview_endpoints: Mapping[str, int]
    repository: str
    template: str | None
    configuration: tuple[str, ...]
    exclusive: bool
    active_target: Target
    preview_target: Target
    smoke_test: SmokeTest
    now: datetime
    depends_on: tuple[str, ...] = ()
    start_seconds: float = 0
    history: tuple[Entry, ...] = ()
    verified: frozenset[str] | None = None
    versions: frozenset[tuple[str, str, str]] = field(default=frozenset(), compare=False)
    uid: str = ""
    is_selected: bool = True
    selected: str | None = None
    target: str | None = None
    dashboard: str = ""
    missing: tuple[str, ...] = ()
    anomalies: tuple[str, ...] = ()
    canary: Canary | None = None
    weights: Mapping[str, int] | None = None
    action: ForwardAction | None = field(default=None, compare=False)
    ports: frozenset[int] = frozenset()
    analysis: Analysis | None = None
    hooks: tuple[HookSettings, ...] = ()
    preview_replicas: int | None = None
    jobs: Mapping[str, Job] = field(default_factory=dict[str, Job])

    def slot(self, name: str) -> Slot:
        """One slot."""
        return self.blue if name == BLUE else self.green

    @property
    def live_slot(self) -> Slot:
        """The slot that the active Service selects."""
        return self.slot(self.live)

    @property
    def idle_slot(self) -> Slot:
        """The other slot."""
        return self.slot(other(self.live))

    @property
    def size(self) -> int:
        """Number of pods that a slot needs for the live slot's traffic."""
        return min(max(self.live_slot.desired, self.minimum), max(self.maximum, self.live_slot.desired))

    @property
    def serves_minimum(self) -> bool:
        """Whether the live slot has at least the fewest pods it may have: the autoscaler may be adding more."""
        return self.live_slot.serves(at_least=min(self.live_slot.desired, self.minimum))

    @property
    def is_serving(self) -> bool:
        """Whether users are served: by the live slot, with at least the fewest pods it may have."""
        return self.is_selected and self.serves_minimum and bool(self.active_endpoints)

    @property
    def was_released(self) -> bool:
        """Whether users were ever served: else that nothing serves is no fault."""
        return self.live_slot.revision is not None or any(one.outcome is Outcome.RELEASED for one in self.history)

    @property
    def is_rescue_due(self) -> bool:
        """Whether users wait at a live slot without a ready pod, while the other slot could serve them."""
        return not self.exclusive and self.live_slot.ready == 0 and self.idle_slot.serves()

    @property
    def is_misrouted(self) -> bool:
        """Whether the load balancer sends users to a slot without a ready pod, while the live slot could serve them."""
        shares = (self.weights or {}).items()
        return self.live_slot.serves() and any(share and not self.slot(name).ready for name, share in shares)

    @property
    def follows_live(self) -> bool:
        """Whether the load balancer sends all requests to the live slot."""
        return not (self.weights or {}).get(other(self.live))

    @property
    def enough(self) -> int:
        """Number of ready pods with which a slot may take over the traffic; the autoscaler adds what is missing."""
        return min(self.size, self.minimum)

    def has_served(self, slot: Slot) -> bool:
        """Whether users were served by what a slot holds; if no entry tells, unless a deploy put it there."""
        # Who switches or rolls back goes to what had served already.
        released = [one for one in self.history if one.outcome is Outcome.RELEASED or one.action is not Action.DEPLOY]
        served = {one.revision for one in released} | {one.previous for one in self.history if one.previous}
        tried = {entry.revision for entry in self.history if entry.action is Action.DEPLOY}
        return slot.revision is not None and (slot.revision in served if served else slot.revision not in tried)

    @property
    def running(self) -> Entry | None:
        """The unfinished release: under way, or left by a run of the tool that was interrupted."""
        last = self.history[-1] if self.history else None
        return last if last and last.outcome is Outcome.RUNNING else None

    @property
    def begun(self) -> Entry:
        """The unfinished release, for a step of the plan that there is for such a release only."""
        running = self.running
        assert running is not None  # noqa: S101 - see above
        return running

    @property
    def live_failed(self) -> bool:
        """Whether the last release of what is live failed: it had no way back, or that failed, too."""
        for entry in reversed(self.history):
            if entry.slot == self.live and entry.revision == self.live_slot.revision:
                return entry.outcome is Outcome.FAILED
        return False

    @property
    def warm_until(self) -> datetime | None:
        """When the idle slot may be scaled to zero; None if nothing was released yet."""
        for entry in reversed(self.history):
            if entry.outcome is Outcome.RELEASED and entry.finished:
                return entry.finished + timedelta(seconds=entry.warm_seconds)
        return None

    @property
    def has_drifted(self) -> bool:
        """Whether the live slot runs an older template than the PodTemplate."""
        live = self.live_slot.revision
        return live is not None and live.template != self.template


def open_connections(state: ServiceState) -> OpenConnections | None:
    """Where connections stay after the last release of a service; None if no pod is left that could have some."""
    idle = state.idle_slot
    if not idle.has_pods:
        return None
    return OpenConnections(idle.name, (state.warm_until or state.now) if idle.desired else None)
