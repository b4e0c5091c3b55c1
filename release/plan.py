"""The next step of a release, from what is seen: a pure function, so that a release ended anywhere can go on.

The live slot serves before and after each step; only `Select` changes what users reach, and it names a slot that is
ready. The exception is an exclusive service, of which two versions must never run at once: nothing of it serves
while one version ends and the other starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from contract.blue_green import SENTINEL_DIGEST
from release.history import Action, Outcome, Revision
from release.state import ServiceState, Slot, other


@dataclass(frozen=True)
class Deploy:
    """An image shall be live, with the PodTemplate as it is.

    Attributes:
        image: By digest.
        override: Why an unverified image is let in.
    """

    image: str
    override: str | None = None


@dataclass(frozen=True)
class Switch:
    """A slot that is warm shall be live.

    Attributes:
        to: The slot; None for the idle one.
    """

    to: str | None = None


@dataclass(frozen=True)
class Rollback:
    """What was live before shall be live again."""


@dataclass(frozen=True)
class Retire:
    """The idle slot shall have no pods.

    Attributes:
        now: Also before its warm time is over.
    """

    now: bool = False


Goal: TypeAlias = Deploy | Switch | Rollback | Retire


@dataclass(frozen=True)
class Progress:
    """What this run of the tool has done that the cluster does not show.

    Attributes:
        smoke_tested: The new version answered as it should.
        watched: After the switch it did no worse than the version before.
        failure: Why the new version failed.
        second_failure: Why the way back failed, too.
        finished: The history says how it went.
    """

    smoke_tested: bool = False
    watched: bool = False
    failure: str | None = None
    second_failure: str | None = None
    finished: bool = False


@dataclass(frozen=True)
class Begin:
    """Write into the history what is going to be done.

    Attributes:
        action: What was asked for.
        slot: The slot that shall be live.
        revision: What it shall run.
        previous: What is live now; None where that is the slot itself, or nothing.
    """

    action: Action
    slot: str
    revision: Revision
    previous: Revision | None


@dataclass(frozen=True)
class ScaleToZero:
    """Take a slot's pods away."""

    slot: str


@dataclass(frozen=True)
class ApplyTemplate:
    """Give a slot the PodTemplate with an image, and so many pods."""

    slot: str
    image: str
    replicas: int


@dataclass(frozen=True)
class Scale:
    """Give a slot so many pods."""

    slot: str
    replicas: int


@dataclass(frozen=True)
class Preview:
    """Let the preview Service select a slot."""

    slot: str


@dataclass(frozen=True)
class SmokeTestSlot:
    """Smoke test a slot through the preview Service."""

    slot: str


@dataclass(frozen=True)
class Select:
    """Let the active Service select a slot: the switch."""

    slot: str


@dataclass(frozen=True)
class Retarget:
    """Let the autoscaler scale a slot."""

    slot: str


@dataclass(frozen=True)
class Watch:
    """Compare what users get now with what they got before."""

    slot: str


@dataclass(frozen=True)
class Finish:
    """Write into the history how it went."""

    outcome: Outcome


@dataclass(frozen=True)
class AwaitReady:
    """Wait until all pods of a slot are ready."""

    slot: str


@dataclass(frozen=True)
class AwaitGone:
    """Wait until a slot has no pods, not even ending ones."""

    slot: str


@dataclass(frozen=True)
class AwaitEndpoints:
    """Wait until the active or the preview Service leads to one slot only.

    Attributes:
        slot: That slot.
        active: Whether it is the active Service.
    """

    slot: str
    active: bool


Await: TypeAlias = AwaitReady | AwaitGone | AwaitEndpoints
Step: TypeAlias = (
    Begin | ScaleToZero | ApplyTemplate | Scale | Preview | SmokeTestSlot | Select | Retarget | Watch | Finish | Await
)


@dataclass(frozen=True)
class Done:
    """Nothing is left to do."""

    message: str


@dataclass(frozen=True)
class Refusal:
    """Nothing was done, and why.

    Attributes:
        why: What stands against it.
        remedy: What to do.
    """

    why: str
    remedy: str


def next_step(seen: ServiceState, goal: Goal, progress: Progress) -> Step | Done | Refusal:
    """What to do next so that the goal is reached.

    Args:
        seen: How the service stands.
        goal: What was asked for.
        progress: What this run has done already that `seen` does not show.
    """
    if progress.finished:
        return Done("finished")
    if isinstance(goal, Retire):
        return _retire(seen, goal)
    slot = _going_on(seen, goal)
    if slot is None:
        refusal = _refusal(seen, goal)
        if refusal is not None:
            return refusal
        if _is_reached(seen, goal):
            return _tidy(seen)
        return _begin(seen, goal)
    if progress.second_failure is not None:
        return Finish(Outcome.FAILED)
    if progress.failure is not None:
        return _go_back(seen, goal, failed=seen.slot(slot), old=seen.slot(other(slot)))
    if seen.live == slot:
        return _complete(seen, goal, progress)
    return _prepare(seen, goal, progress, new=seen.slot(slot), live=seen.live_slot)


def _wanted(seen: ServiceState, goal: Deploy) -> Revision:
    return Revision(goal.image, seen.template)


def _going_on(seen: ServiceState, goal: Deploy | Switch | Rollback) -> str | None:
    """The slot that is to be live, if this very release has begun already, now or in a run before."""
    running = seen.running
    if running is None or running.action is not _action(goal):
        return None
    if isinstance(goal, Deploy) and running.revision != _wanted(seen, goal):
        return None
    if isinstance(goal, Switch) and goal.to not in (None, running.slot):
        return None
    brought_in = not isinstance(goal, Deploy) or running.slot == seen.live
    if brought_in and running.revision != seen.slot(running.slot).revision:
        return None  # somebody gave the slot something else since
    return running.slot


def _action(goal: Deploy | Switch | Rollback) -> Action:
    match goal:
        case Deploy():
            return Action.DEPLOY
        case Switch():
            return Action.SWITCH
        case Rollback():
            return Action.ROLLBACK


def _refusal(seen: ServiceState, goal: Deploy | Switch | Rollback) -> Refusal | None:
    match goal:
        case Deploy():
            return _refused_image(seen, goal)
        case Switch():
            return _refused_switch(seen, goal)
        case Rollback():
            return _refused_rollback(seen)


def _refused_image(seen: ServiceState, goal: Deploy) -> Refusal | None:
    repository, _, digest = goal.image.partition("@")
    if digest == SENTINEL_DIGEST:
        return Refusal(
            f"{goal.image} is the sentinel: the place of an image in the PodTemplate, and no image",
            "name the digest that the build pushed",
        )
    if repository != seen.repository:
        return Refusal(
            f"{goal.image} is not from the repository of {seen.service}, {seen.repository}",
            f"push it there, and name it as {seen.repository}@sha256:…",
        )
    if seen.verified is not None and digest not in seen.verified and goal.override is None:
        return Refusal(
            f"{seen.environment} takes only what was verified, and {digest} has no record",
            f"deploy it to dev, try it there, and run `release verify dev {seen.service}`; "
            'a person with the right to may say --override "reason"',
        )
    return None


def _refused_switch(seen: ServiceState, goal: Switch) -> Refusal | None:
    slot = seen.slot(goal.to or other(seen.live))
    if slot.name != seen.live and not slot.serves():
        return Refusal(
            f"slot {slot.name} of {seen.service} is not warm: {slot.ready} of {slot.wanted} pods are ready",
            "`release rollback` warms it first; `release deploy` brings an image in",
        )
    return None


def _refused_rollback(seen: ServiceState) -> Refusal | None:
    idle = seen.idle_slot
    finished = [entry for entry in seen.history if entry.outcome is Outcome.RELEASED]
    if finished and finished[-1].action is Action.ROLLBACK and finished[-1].slot == seen.live:
        return Refusal(
            f"{seen.service} was rolled back already, by {finished[-1].by}",
            "`release switch` goes forward again while the idle slot is warm; `release history` tells what was live",
        )
    if idle.revision is None:
        return Refusal(
            f"slot {idle.name} of {seen.service} never had an image: there is nothing to go back to",
            "`release deploy` brings one in",
        )
    served = {entry.revision for entry in finished} | {entry.previous for entry in seen.history}
    if seen.history and idle.revision not in served:
        return Refusal(
            f"slot {idle.name} of {seen.service} holds {idle.revision.image}, which never served",
            "choose an image from `release history`, and `release deploy` it",
        )
    return None


def _is_reached(seen: ServiceState, goal: Deploy | Switch | Rollback) -> bool:
    """Whether what was asked for is so already, and in order."""
    match goal:
        case Deploy():
            reached = seen.live_slot.revision == _wanted(seen, goal)
        case Switch():
            reached = goal.to == seen.live
        case Rollback():
            reached = False
    in_order = _serves_enough(seen, seen.live_slot) and seen.autoscaled == seen.live
    return reached and in_order and seen.running is None


def _tidy(seen: ServiceState) -> Step | Done:
    """What is left to do where nothing is to be released."""
    if seen.idle_slot.wanted > 0 and seen.warm_until is not None and seen.warm_until <= seen.now:
        return ScaleToZero(seen.idle_slot.name)
    return Done(f"slot {seen.live} is live with it already")


def _begin(seen: ServiceState, goal: Deploy | Switch | Rollback) -> Begin | Refusal:
    match goal:
        case Deploy():
            wanted = _wanted(seen, goal)
            slot = seen.live if seen.live_slot.revision == wanted else other(seen.live)
        case Switch():
            slot = goal.to or other(seen.live)
            wanted = seen.slot(slot).revision
        case Rollback():
            slot = other(seen.live)
            wanted = seen.slot(slot).revision
    if wanted is None:
        return Refusal(f"slot {slot} of {seen.service} never had an image", "`release deploy` brings one in")
    # Only what was live is worth going back to: a slot beside it may hold what failed.
    previous = None if slot == seen.live else seen.live_slot.revision
    return Begin(_action(goal), slot, wanted, previous)


def _prepare(
    seen: ServiceState, goal: Deploy | Switch | Rollback, progress: Progress, *, new: Slot, live: Slot
) -> Step:
    """Up to the switch."""
    # An autoscaler that was left behind would shrink the idle slot, whose CPU is near zero.
    if seen.autoscaled != live.name:
        return Retarget(live.name)
    in_the_way = _in_the_way(seen, goal, new=new, live=live)
    if in_the_way is not None:
        return in_the_way
    if isinstance(goal, Deploy) and new.revision != _wanted(seen, goal):
        return ApplyTemplate(new.name, goal.image, seen.size)
    if new.wanted < seen.size or not new.is_ready:
        return _wake(seen, new)
    if isinstance(goal, Rollback):  # it served before, and users wait
        return Select(new.name)
    if seen.preview != new.name:
        return Preview(new.name)
    if seen.preview_endpoints != {new.name: new.ready}:
        return AwaitEndpoints(new.name, active=False)
    return Select(new.name) if progress.smoke_tested else SmokeTestSlot(new.name)


def _in_the_way(seen: ServiceState, goal: Deploy | Switch | Rollback, *, new: Slot, live: Slot) -> Step | None:
    """The pods that must be gone before the new ones come."""
    # Old and new pods of one slot side by side would want the room of three slots.
    if isinstance(goal, Deploy) and new.revision != _wanted(seen, goal) and (new.wanted > 0 or new.pods > 0):
        return _clear(new)
    if seen.exclusive and (live.wanted > 0 or live.pods > 0):
        return _clear(live)
    return None


def _complete(seen: ServiceState, goal: Deploy | Switch | Rollback, progress: Progress) -> Step:
    """From the switch on."""
    live, old = seen.live_slot, seen.idle_slot
    if seen.exclusive and (old.wanted > 0 or old.pods > 0):
        return _clear(old)
    if live.wanted < 1:
        return Scale(live.name, seen.size)
    if not _serves_enough(seen, live):
        return AwaitReady(live.name)
    if not _leads_only_to(seen.active_endpoints, live.name):
        return AwaitEndpoints(live.name, active=True)
    if seen.autoscaled != live.name:
        return Retarget(live.name)
    # There is no way back from a rollback: what was live is what it went away from.
    if not progress.watched and not isinstance(goal, Rollback):
        return Watch(live.name)
    if seen.preview == live.name:
        return Preview(old.name)
    return Finish(Outcome.RELEASED)


def _go_back(seen: ServiceState, goal: Deploy | Switch | Rollback, *, failed: Slot, old: Slot) -> Step:
    """The old slot live, ready and autoscaled; the failed one without pods."""
    if seen.live == failed.name:
        return _switch_back(seen, failed=failed, old=old)
    if seen.autoscaled != old.name:
        return Retarget(old.name)
    # A switch to what was warm leaves it as it was.
    if failed.wanted > 0 and (seen.exclusive or not isinstance(goal, Switch)):
        return ScaleToZero(failed.name)
    if seen.exclusive and old.revision is not None and not old.is_ready:
        return AwaitGone(failed.name) if failed.pods > 0 else _wake(seen, old)
    if old.serves() and not _leads_only_to(seen.active_endpoints, old.name):
        return AwaitEndpoints(old.name, active=True)
    if seen.preview == old.name:
        return Preview(failed.name)
    return Finish(Outcome.FAILED)


def _switch_back(seen: ServiceState, *, failed: Slot, old: Slot) -> Step:
    if old.revision is None or seen.running is None or old.revision != seen.running.previous:
        return Finish(Outcome.FAILED)  # there is nothing to go back to
    if seen.exclusive and (failed.wanted > 0 or failed.pods > 0):
        return _clear(failed)
    return Select(old.name) if old.is_ready and old.wanted >= seen.size else _wake(seen, old)


def _clear(slot: Slot) -> Step:
    return ScaleToZero(slot.name) if slot.wanted > 0 else AwaitGone(slot.name)


def _wake(seen: ServiceState, slot: Slot) -> Step:
    return Scale(slot.name, seen.size) if slot.wanted < seen.size else AwaitReady(slot.name)


def _retire(seen: ServiceState, goal: Retire) -> Step | Done | Refusal:
    idle = seen.idle_slot
    if idle.wanted == 0:
        return Done(f"slot {idle.name} has no pods")
    if seen.running is not None:
        return Refusal(
            f"a {seen.running.action} of {seen.service} by {seen.running.by} is not finished",
            "run it again, so that it goes on; or `release deploy` something else",
        )
    if not _serves_enough(seen, seen.live_slot):
        return Refusal(
            f"the live slot {seen.live} of {seen.service} is not ready, and slot {idle.name} may be the way back",
            "`release rollback`, or see why its pods are not ready: `release status`",
        )
    if seen.autoscaled == idle.name:
        return Retarget(seen.live)
    if not goal.now and seen.warm_until is not None and seen.now < seen.warm_until:
        return Refusal(
            f"slot {idle.name} of {seen.service} stays warm until {seen.warm_until:%Y-%m-%d %H:%M:%S %Z}",
            "wait, or say --now: open connections to it end then, and a rollback has to start its pods first",
        )
    return ScaleToZero(idle.name)


def _serves_enough(seen: ServiceState, live: Slot) -> bool:
    """Whether the live slot serves with the fewest pods it may have: the autoscaler may be adding more."""
    return live.serves(at_least=min(live.wanted, seen.minimum))


def _leads_only_to(endpoints: Mapping[str, int], slot: str) -> bool:
    return set(endpoints) == {slot}
