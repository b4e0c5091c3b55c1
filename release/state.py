"""What is seen of one service in one environment: plain values, from which the next step follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from contract.blue_green import BLUE, GREEN
from release.history import Entry, Outcome, Revision
from release.http import Target


def other(slot: str) -> str:
    """The slot beside this one."""
    return GREEN if slot == BLUE else BLUE


@dataclass(frozen=True)
class Trouble:
    """Why a pod is not ready.

    Attributes:
        reason: In Kubernetes' words, e.g. `ImagePullBackOff`.
        message: More of it, for a person.
    """

    reason: str
    message: str

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}" if self.message else self.reason


@dataclass(frozen=True)
class Slot:
    """One of the two Deployments.

    Attributes:
        name: `blue` or `green`.
        revision: What it runs, or would run if it had pods; None where it never got an image.
        wanted: Number of pods that it shall have.
        ready: Number of its pods that are ready.
        pods: Number of its pods that are there, ending ones too.
        settled: Whether Kubernetes has taken up its newest spec, and none of its pods is of an older one.
        troubles: Why pods of it are not ready.
        configuration: Names of the ConfigMaps and Secrets that its pods read.
        resource_version: Of the Deployment.
    """

    name: str
    revision: Revision | None = None
    wanted: int = 0
    ready: int = 0
    pods: int = 0
    settled: bool = True
    troubles: tuple[Trouble, ...] = ()
    configuration: tuple[str, ...] = ()
    resource_version: str = ""

    @property
    def is_ready(self) -> bool:
        """Whether each pod that it shall have is ready, and there is one."""
        return self.serves(at_least=self.wanted)

    def serves(self, *, at_least: int = 1) -> bool:
        """Whether it runs one revision only, with so many pods ready."""
        return self.revision is not None and self.settled and self.ready >= max(1, at_least)


@dataclass(frozen=True)
class SmokeTest:
    """The request that a new version answers before it gets traffic.

    Attributes:
        path: What is asked for.
        status: HTTP status of a good answer.
        contains: Text that a good answer contains; any where it is None.
        tries: How often it is asked, at most.
        deadline_seconds: After this it has failed.
    """

    path: str
    status: int = 200
    contains: str | None = None
    tries: int = 10
    deadline_seconds: float = 60


@dataclass(frozen=True)
class ServiceState:
    """Everything that the next step follows from.

    Attributes:
        environment: Its namespace: `dev` or `prod`.
        service: The service.
        blue: The blue slot.
        green: The green slot.
        live: The slot that the active Service selects.
        preview: The slot that the preview Service selects.
        autoscaled: The slot that the autoscaler scales.
        minimum: Fewest pods of the live slot.
        maximum: Most pods of the live slot.
        active_endpoints: How many ready endpoints of each slot the active Service has; those of unknown pods under "".
        preview_endpoints: Likewise for the preview Service.
        repository: Repository of the service's images.
        template: Hash of the PodTemplate as it is now.
        configuration: Names of the ConfigMaps and Secrets that the PodTemplate names.
        exclusive: Whether two versions must never run at once.
        depends_on: The services that it calls.
        active_target: Where users of the service, its callers in the cluster, ask it.
        preview_target: Where a new version is asked.
        smoke_test: How a new version is tried.
        start_seconds: How long a container of it may take to start, as its startup probe says.
        history: Its releases, newest last.
        verified: Digests that may be brought in; None where any may.
        now: When this was seen.
        versions: Kind, name and resource version of each object: an event of one of these is no news.
        uid: The active Service's, by which Events on it are found.
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
    template: str
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

    def slot(self, name: str) -> Slot:
        """One slot."""
        return self.blue if name == BLUE else self.green

    @property
    def live_slot(self) -> Slot:
        """The slot that users reach."""
        return self.slot(self.live)

    @property
    def idle_slot(self) -> Slot:
        """The slot that they do not reach."""
        return self.slot(other(self.live))

    @property
    def size(self) -> int:
        """How many pods a slot needs to take the live slot's traffic."""
        return min(max(self.live_slot.wanted, self.minimum), max(self.maximum, self.live_slot.wanted))

    @property
    def running(self) -> Entry | None:
        """The release that is under way, or was when its tool ended."""
        last = self.history[-1] if self.history else None
        return last if last and last.outcome is Outcome.RUNNING else None

    @property
    def warm_until(self) -> datetime | None:
        """When the idle slot may be retired; None where nothing was released."""
        switches = [one for one in self.history if one.outcome is Outcome.RELEASED and one.finished]
        return switches[-1].finished + timedelta(seconds=switches[-1].warm_seconds) if switches else None  # type: ignore[operator]

    @property
    def has_drifted(self) -> bool:
        """Whether the live slot runs an older template than the PodTemplate."""
        live = self.live_slot.revision
        return live is not None and live.template != self.template
