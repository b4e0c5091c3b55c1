"""What nobody is at work on and somebody has to do for a service: a pure function, which the reconciler asks.

It finishes what was begun, and goes back from what fails; it brings no image in, and repairs no state that a person or
another tool made: `release repair` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from release.goals import Goal, Resume, Retire, Rollback, Route
from release.history import Action, Entry, Outcome
from release.hooks.plan import retired_release
from release.refusals import retire_refusal
from release.state import ServiceState, other


@dataclass(frozen=True, kw_only=True)
class Policy:
    """When something is due; times in seconds.

    Attributes:
        watch: For how long after a release the pods of the live slot are watched, while the slot before it is warm.
        budget: The share of these pods, 0 to 1, that may fail: lose readiness, or restart.
        outage: How long users may wait at a live slot without a ready pod while somebody is at work on the service, who
            is to go back.
        patience: After how long an unfinished release that nobody is at work on is abandoned.
        collect: How often it is looked for configuration and image tags that nothing needs any more.
    """

    watch: float = 300
    budget: float = 0.5
    outage: float = 10
    patience: float = 60
    collect: float = 3600


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What the state of a service does not show.

    Attributes:
        is_locked: Whether somebody is at work on the service.
        has_holder_failed: Whether who holds the lock gives no sign of life, or has let users wait for `Policy.outage`.
        is_abandoned: Whether nobody has been at work on the unfinished release for `Policy.patience`.
        was_given_back: Whether its run gave the lock back at its end: it was interrupted, and did not die.
        failure: Why it could not be gone on with; None before that was tried.
        is_collection_due: Whether `Policy.collect` is over.
        gives_way: Whether its warm slot has to end before its time, so that another service's release has room.
    """

    is_locked: bool = False
    has_holder_failed: bool = False
    is_abandoned: bool = False
    was_given_back: bool = False
    failure: str | None = None
    is_collection_due: bool = False
    gives_way: bool = False


def due(state: ServiceState, circumstances: Circumstances, policy: Policy) -> Goal | None:
    """What is to be done for a service; None for nothing."""
    if not state.is_selected:
        return None
    is_free = not circumstances.is_locked
    if (rescue := _rescue(state)) is not None:
        return rescue if is_free or circumstances.has_holder_failed else None
    if not is_free or state.missing:
        return None
    if state.running is not None:
        is_due = circumstances.is_abandoned and state.running.paused is None  # what is paused waits for a person
        return _end(state, state.running, circumstances) if is_due else None
    return _upkeep(state, circumstances, policy)


def _rescue(state: ServiceState) -> Goal | None:
    """What is to be done for users who wait, while a slot could serve them; None if none do."""
    # Nobody asks it to bring in what never served: a first release, for example, is smoke tested before.
    if state.is_rescue_due and state.has_served(state.idle_slot):
        return Rollback(reason=f"slot {state.live} has no ready pod, and slot {other(state.live)} has")
    return Route() if state.is_misrouted else None


def _upkeep(state: ServiceState, circumstances: Circumstances, policy: Policy) -> Goal | None:
    """What is due where no release is unfinished."""
    if not state.follows_live:  # a run has died between its switch and the weights, and its release was over
        return Route()
    if reason := regression(state, policy):
        return Rollback(reason=reason)
    return Retire(now=circumstances.gives_way) if _is_retirement_due(state, circumstances) else None


def _end(state: ServiceState, release: Entry, circumstances: Circumstances) -> Resume:
    """The end of an abandoned release.

    Who interrupts a deploy or a switch does not want it: it is taken back, if the version before serves. A rollback,
    and what died, is gone on with.
    """
    new, old = state.slot(release.slot), state.slot(other(release.slot))
    if release.aborted is not None:
        return Resume(release.id, release.aborted)
    if circumstances.failure is not None:
        return Resume(release.id, f"it could not be gone on with: {circumstances.failure}")
    if new.revision != release.revision:
        return Resume(release.id, f"it was abandoned before slot {new.name} had its image")
    is_way_back = old.revision is not None and old.revision == release.previous and old.serves()
    if circumstances.was_given_back and release.action is not Action.ROLLBACK and is_way_back:
        return Resume(release.id, "it was interrupted")
    return Resume(release.id)


def regression(state: ServiceState, policy: Policy) -> str | None:
    """Why to go back from the last release: more of its pods fail than the budget allows; None if they do not.

    Pods that the autoscaler adds may take their time to start.
    """
    last = state.history[-1] if state.history else None
    switched = _watched_since(state, last, policy)
    if last is None or switched is None:
        return None
    live, idle = state.live_slot, state.idle_slot
    is_way_back = idle.revision == last.previous and idle.is_ready and not idle.failing(switched)
    failing = live.failing(switched)
    if not is_way_back or failing <= policy.budget * len(live.members):
        return None
    return f"{failing} of {len(live.members)} pods of slot {live.name} are not ready any more, or have restarted"


def _watched_since(state: ServiceState, last: Entry | None, policy: Policy) -> datetime | None:
    """When the last release ended, while it is watched. A rollback is not: it could only go back to what it left."""
    if last is None or last.outcome is not Outcome.RELEASED or last.finished is None or last.action is Action.ROLLBACK:
        return None
    is_recent = state.now - last.finished <= timedelta(seconds=policy.watch)
    return last.finished if is_recent and last.slot == state.live else None


def _is_retirement_due(state: ServiceState, circumstances: Circumstances) -> bool:
    is_over = state.warm_until is not None and state.warm_until <= state.now
    if state.idle_slot.desired == 0:
        return circumstances.is_collection_due or (is_over and retired_release(state) is not None)
    return (is_over or circumstances.gives_way) and retire_refusal(state) is None


def giving_way(states: Sequence[ServiceState], policy: Policy) -> str | None:
    """The service of an environment whose warm slot ends so that a release of another one has room; None for none.

    The settings are checked for all live slots at their maximum and one more (`config/capacity.py`). So whatever else
    is warm gives way, one slot after the other, that which would end first; not while its release is watched.
    """
    is_lacking = any(
        trouble.is_lack_of_room for one in states if one.running for trouble in one.slot(one.running.slot).troubles
    )
    is_ending = any(one.idle_slot.pods and not one.idle_slot.desired for one in states)
    if not is_lacking or is_ending:
        return None
    warm = [
        one
        for one in states
        if one.idle_slot.desired and one.warm_until and retire_refusal(one) is None
        if _watched_since(one, one.history[-1], policy) is None
    ]
    return min(warm, key=lambda one: one.warm_until or one.now).service if warm else None
