"""Pauses of a release, in which it waits for a person: pure functions of the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from release.goals import Deploy, Resume
from release.history import Decision, Entry
from release.state import ServiceState
from release.steps import Decide, Done, Pause, Refusal

BEFORE_SWITCH = "before-switch"
"""Once the new version has passed its smoke test, before it gets a request of users. The other places are weights of a
canary, in percent: once the new version has passed with them."""


def refusal(state: ServiceState, goal: Deploy, canary: Sequence[int]) -> Refusal | None:
    """Why a deploy cannot wait where it is told to."""
    places = (BEFORE_SWITCH, *map(str, canary))
    for pause in goal.pauses:
        if pause not in places:
            return Refusal(
                f"the release of {state.service} has no place to wait at {pause}", f"name one of {', '.join(places)}"
            )
    return None


def step(state: ServiceState, at: str) -> Pause | None:
    """The step to pause at some place; None where the release does not, or a person has let it go on."""
    entry = state.running
    if entry is None or at not in entry.pauses or any(one.pause == at for one in entry.decisions):
        return None
    return Pause(at)


def decision(entry: Entry, goal: Resume) -> Decide | Done | None:
    """What comes before an unfinished release goes on: a person's decision is recorded, or a pause does not end."""
    if goal.by is None:
        return waits(entry) if entry.paused and goal.failure is None else None
    is_new = entry.aborted is None if goal.failure else entry.paused is not None
    return Decide(goal.by, goal.failure) if is_new else None


def decided(entry: Entry, step: Decide, now: datetime) -> Entry:
    """The entry of an unfinished release with a person's decision."""
    decision = Decision(step.by, now, entry.paused)
    return replace(entry, paused=None, decisions=(*entry.decisions, decision), aborted=step.failure)


def waits(entry: Entry) -> Done:
    """The end of a command whose release waits for a person."""
    return Done(f"the {entry.action} of {entry.revision.image} into slot {entry.slot} waits at {entry.paused}")
