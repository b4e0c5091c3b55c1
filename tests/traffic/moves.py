"""Events of a service while clients call it, with their times on the machine's monotonic clock, in seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from kube.client import KubernetesApi, KubernetesObject
from release.errors import ExitCode
from release.goals import Deploy, Goal, Retire, Rollback, Switch
from tests.traffic.load import Answer
from tests.traffic.site import Site


@dataclass(frozen=True)
class Move:
    """A change of the live slot, by the release tool.

    Attributes:
        began: When the tool began.
        patched: When the API server had taken the patch of the Service.
        returned: When the tool had returned.
        live: The slot that is live since.
    """

    began: float
    patched: float
    returned: float
    live: str


@dataclass(frozen=True)
class Retirement:
    """The end of a slot's pods.

    Attributes:
        began: When the tool began: the slot's warm time was over.
        pods: Their names.
        grace: Seconds that they may take to end.
    """

    began: float
    pods: frozenset[str]
    grace: int


@dataclass
class Mover:
    """Releases a service again and again.

    Attributes:
        site: Where.
        environment: The service's environment.
        service: The service.
        moves: Changes of the live slot.
        rollbacks: How many of them were rollbacks.
        retirements: Ends of slots.
    """

    site: Site
    environment: str
    service: str
    moves: list[Move] = field(default_factory=list[Move])
    rollbacks: int = 0
    retirements: list[Retirement] = field(default_factory=list[Retirement])

    def cycle(self) -> None:
        """Four switches, the first one to a new version, a rollback to a slot without pods, and two retirements."""
        image = self.site.new_image(self.environment, self.service)
        for goal in (Deploy(image), Switch(), Switch(), Switch(), Retire(now=True), Rollback(), Retire(now=True)):
            self.retire() if isinstance(goal, Retire) else self.move(goal)

    def move(self, goal: Goal) -> None:
        """Changes the live slot."""
        clock = PatchClock(self.site.api, self.service)
        began = time.monotonic()
        result = self.site.release(self.environment, self.service, goal, api=clock)
        assert result.exit_code is ExitCode.DONE, result.message
        self.moves.append(Move(began, clock.patched, time.monotonic(), result.state.live))
        self.rollbacks += isinstance(goal, Rollback)

    def retire(self) -> None:
        """Ends the idle slot's pods."""
        slot = self.site.state(self.environment, self.service).idle_slot.name
        pods = self.site.pods(self.environment, self.service, slot)
        began = time.monotonic()
        result = self.site.release(self.environment, self.service, Retire(now=True))
        assert result.exit_code is ExitCode.DONE, result.message
        grace = max(int(pod["spec"]["terminationGracePeriodSeconds"]) for pod in pods)
        self.retirements.append(Retirement(began, frozenset(str(pod["metadata"]["name"]) for pod in pods), grace))


class PatchClock:
    """An API server that knows when it has switched a service, or patched another object: its Ingress."""

    def __init__(self, api: KubernetesApi, service: str, kind: str = "Service") -> None:
        self._api = api
        self._patched = (kind, service)
        self.patched = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)

    def json_patch(self, api_version: str, kind: str, name: str, *words: Any, **options: Any) -> KubernetesObject:
        """Patches, and notes the time if that was the object."""
        answer = self._api.json_patch(api_version, kind, name, *words, **options)
        if (kind, name) == self._patched:
            self.patched = time.monotonic()
        return answer


def astray(answers: list[Answer], moves: list[Move]) -> list[tuple[float, Answer]]:
    """Answers over connections that were asked for after a switch had returned, from another slot than the live one.

    Returns:
        Each with the seconds since the switch had returned.
    """
    found: list[tuple[float, Answer]] = []
    ends = [*(move.began for move in moves[1:]), float("inf")]
    for move, end in zip(moves, ends, strict=True):
        found += [
            (one.connected - move.returned, one)
            for one in answers
            if move.returned < one.connected and one.answered < end and slot(one.by) != move.live
        ]
    return found


def slot(pod: str) -> str:
    """The slot that a pod's name tells: `SERVICE-SLOT-…`."""
    return pod.rsplit("-", 3)[1]
