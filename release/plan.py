"""The next step of a release, from the state of the service: a pure function, so that any later run can resume.

The live slot serves before and after each step; only `SwitchActive` changes what users reach, and it selects a slot
that serves. Where the live slot has no ready pod and the other one serves, users come first: it is switched to, and
grows afterwards. No slot that serves is emptied while the other one has no ready pod: readiness shows that it can
serve, whatever the history says. The exception is an exclusive service, of which two versions must never run at once:
it is down while one version ends and the other starts.

Where the load balancer forwards to the slots by weight, `weights` says what that needs before each step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from release import pauses, preview, weights
from release.goals import Deploy, Goal, LiveGoal, Resume, Retire, Rollback, Route, Switch
from release.history import Action, Entry, Outcome, Revision
from release.hooks import plan as hooks
from release.hooks.values import Hook
from release.progress import Progress
from release.refusals import refusal, retire_refusal, warm_refusal
from release.state import ServiceState, Slot, other
from release.steps import (
    Analyze,
    ApplyTemplate,
    AwaitEndpoints,
    AwaitGone,
    AwaitReady,
    Begin,
    Done,
    Finish,
    Refusal,
    RetargetAutoscaler,
    Scale,
    ScaleToZero,
    Settle,
    SmokeTestSlot,
    Step,
    SwitchActive,
    SwitchPreview,
)


def next_step(state: ServiceState, goal: Goal, progress: Progress) -> Step | Done | Refusal:
    """The next step towards a goal.

    Args:
        state: The service as it is now.
        goal: What was asked for.
        progress: What this run has done already that `state` does not show.
    """
    if progress.finished:
        return Done("finished")
    step = _next_step(state, goal, progress)
    return weights.routed(state, progress, step, in_canary=_is_in_canary(state, goal, progress))


def _next_step(state: ServiceState, goal: Goal, progress: Progress) -> Step | Done | Refusal:
    """The next step but for the load balancer's weights, outside of a canary."""
    if isinstance(goal, Route):
        return Done(f"the load balancer sends all requests to slot {state.live}")
    if isinstance(goal, Retire):
        return _retire(state, goal)
    if not state.is_selected and state.live_slot.serves():
        return SwitchActive(state.live)
    if isinstance(goal, Resume):
        return _resume(state, goal, progress)
    running = state.running
    if isinstance(goal, Rollback) and running and weights.is_under_way(state) and not state.is_rescue_due:
        if progress.abort_failure is not None:
            return Finish(Outcome.FAILED)
        return _abort(state, _goal_of(running), failed=state.slot(running.slot), old=state.live_slot)
    slot = _resumed_slot(state, goal)
    if slot is None:
        return _start(state, goal)
    if state.running is not None and state.running.paused and progress.failure is None:
        return pauses.waits(state.running)
    return _go_on(state, goal, progress, slot)


def _is_in_canary(state: ServiceState, goal: Goal, progress: Progress) -> bool:
    """Whether this run carries a canary on, whose weights are not the live slot's."""
    if progress.failure is not None or state.running is None or not weights.is_under_way(state):
        return False
    if isinstance(goal, Deploy):
        return _resumed_slot(state, goal) is not None
    return isinstance(goal, Resume) and goal.release == state.running.id


def _resume(state: ServiceState, goal: Resume, progress: Progress) -> Step | Done | Refusal:
    running = state.running
    if running is None or running.id != goal.release:
        return Done("another run has finished the release")
    decision = pauses.decision(running, goal)
    if decision is not None:
        return decision
    if progress.failure is None and state.slot(running.slot).revision != running.revision:
        return Refusal(
            f"slot {running.slot} of {state.service} does not hold {running.revision.image}",
            "deploy it again, or take the release back",
        )
    # A PodTemplate that was changed since the release began is the next release's.
    then = replace(state, template=running.revision.template)
    return _go_on(then, _goal_of(running), progress, running.slot)


def _goal_of(entry: Entry) -> LiveGoal:
    """The goal with which a release was begun."""
    match entry.action:
        case Action.DEPLOY:
            return Deploy(entry.revision.image, entry.override, entry.canary, entry.step_seconds)
        case Action.SWITCH:
            return Switch(entry.slot)
        case Action.ROLLBACK:
            return Rollback(entry.keep_failed)


def _go_on(state: ServiceState, goal: LiveGoal, progress: Progress, slot: str) -> Step:
    """The next step of a release that has begun, which makes a slot live."""
    if progress.abort_failure is not None:
        return Finish(Outcome.FAILED)
    if progress.failure is not None:
        return _abort(state, goal, failed=state.slot(slot), old=state.slot(other(slot)))
    if state.live == slot:
        return _after_switch(state, goal, progress)
    return _before_switch(state, goal, progress, new=state.slot(slot), live=state.live_slot)


def _start(state: ServiceState, goal: LiveGoal) -> Step | Done | Refusal:
    refused = refusal(state, goal)
    if refused is not None:
        return refused
    if isinstance(goal, Deploy) and state.is_rescue_due:
        return SwitchActive(state.idle_slot.name)
    if _is_reached(state, goal):
        return _scale_down_idle(state)
    return _begin(state, goal)


def _target_revision(state: ServiceState, goal: Deploy) -> Revision:
    return Revision(goal.image, goal.template or state.template)


def _resumed_slot(state: ServiceState, goal: LiveGoal) -> str | None:
    """The slot to make live, if this same release has begun already, in this run or in an earlier one."""
    running = state.running
    if running is None or running.action is not _action(goal) or running.aborted is not None:
        return None
    if isinstance(goal, Deploy) and running.revision != _target_revision(state, goal):
        return None
    if isinstance(goal, Switch) and goal.to not in (None, running.slot):
        return None
    is_applied = not isinstance(goal, Deploy) or running.slot == state.live
    if is_applied and running.revision != state.slot(running.slot).revision:
        return None  # somebody has changed the slot since
    return running.slot


def _action(goal: LiveGoal) -> Action:
    match goal:
        case Deploy():
            return Action.DEPLOY
        case Switch():
            return Action.SWITCH
        case Rollback():
            return Action.ROLLBACK


def _is_reached(state: ServiceState, goal: LiveGoal) -> bool:
    """Whether the goal is reached already, and the live slot serves and is autoscaled."""
    match goal:
        case Deploy():
            reached = state.live_slot.revision == _target_revision(state, goal) and not state.live_failed
        case Switch():
            reached = goal.to == state.live
        case Rollback():
            reached = False
    return reached and state.serves_minimum and state.autoscaled == state.live and state.running is None


def _scale_down_idle(state: ServiceState) -> Step | Done:
    """Where there is nothing to release: the end of the idle slot's warm time."""
    if state.idle_slot.desired > 0 and state.warm_until is not None and state.warm_until <= state.now:
        return ScaleToZero(state.idle_slot.name)
    return Done(f"slot {state.live} is live with it already")


def _begin(state: ServiceState, goal: LiveGoal) -> Begin | Refusal:
    match goal:
        case Deploy():
            revision = _target_revision(state, goal)
            slot = state.live if state.live_slot.revision == revision else other(state.live)
        case Switch():
            slot = goal.to or other(state.live)
            revision = state.slot(slot).revision
        case Rollback():
            slot = other(state.live)
            revision = state.slot(slot).revision
    if revision is None:
        return Refusal(f"slot {slot} of {state.service} never had an image", "`release deploy` brings one in")
    # Only a revision that was live is worth going back to: the idle slot may hold one that failed.
    previous = None if slot == state.live else state.live_slot.revision
    canary = weights.canary_steps(state, goal, slot) if isinstance(goal, Deploy) else ()
    refused = pauses.refusal(state, goal, canary) if isinstance(goal, Deploy) else None
    return refused or Begin(_action(goal), slot, revision, previous, canary)


def _before_switch(state: ServiceState, goal: LiveGoal, progress: Progress, *, new: Slot, live: Slot) -> Step:
    if _takes_over_at_once(state, goal, progress, new=new):
        return SwitchActive(new.name)
    # An autoscaler of the idle slot would scale it down: its CPU usage is near zero.
    if state.autoscaled != live.name:
        return RetargetAutoscaler(live.name)
    size = preview.size(state, goal, progress)
    preparation = _preparation(state, goal, size, new=new, live=live)
    if preparation is not None:
        return preparation
    # Whether a version is stable is asked of a new one, and not where users wait.
    has_time = isinstance(goal, Deploy) and live.serves()
    if new.desired < size or not (new.is_available if has_time else new.is_ready):
        is_taken = isinstance(goal, Rollback) and new.serves() and not state.exclusive
        is_urgent = is_taken or (weights.is_reached(state, new.name) and not new.serves())
        return _scale_up(size, new, is_urgent=is_urgent)
    if isinstance(goal, Rollback):
        return SwitchActive(new.name)
    if state.preview != new.name:
        return SwitchPreview(new.name)
    if state.preview_endpoints != {new.name: new.ready}:
        return AwaitEndpoints(new.name, active=False)
    if not progress.smoke_tested:
        return SmokeTestSlot(new.name)
    return (
        pauses.step(state, pauses.BEFORE_SWITCH)
        or weights.next_canary_step(state, progress, new.name)
        or SwitchActive(new.name)
    )


def _preparation(state: ServiceState, goal: LiveGoal, size: int, *, new: Slot, live: Slot) -> Step | None:
    """What comes before the first of the new pods."""
    removal = _removal_before_start(state, goal, new=new, live=live)
    if removal is not None:
        return removal
    if isinstance(goal, Deploy) and new.revision != _target_revision(state, goal):
        # Its pods may need what the hook does.
        is_held = hooks.is_due(state.running, Hook.BEFORE_SWITCH)
        return ApplyTemplate(new.name, goal.image, 0 if is_held else size, goal.template)
    if isinstance(goal, Rollback):
        return None
    return hooks.step(state, state.running, Hook.BEFORE_SWITCH, new.name)


def _takes_over_at_once(state: ServiceState, goal: LiveGoal, progress: Progress, *, new: Slot) -> bool:
    """Whether users wait for a slot that served before, or could: it is switched to as it is, and grows afterwards."""
    if state.is_rescue_due:
        # What a deploy has brought in is smoke tested first, unless it is a revision that served.
        is_untested = isinstance(goal, Deploy) and new.revision == _target_revision(state, goal)
        return not is_untested or state.has_served(new)
    if state.exclusive or not isinstance(goal, Rollback):
        return False
    return new.serves(at_least=1 if progress.hurried else state.enough)


def _removal_before_start(state: ServiceState, goal: LiveGoal, *, new: Slot, live: Slot) -> Step | None:
    """The removal of the pods that must be gone before the new ones start."""
    # With old and new pods in one slot, three slots' worth of pods would run at once; the nodes have room for two.
    if isinstance(goal, Deploy) and new.revision != _target_revision(state, goal) and new.has_pods:
        return _remove_pods(new)
    if state.exclusive and live.has_pods:
        return _remove_pods(live)
    return None


def _after_switch(state: ServiceState, goal: LiveGoal, progress: Progress) -> Step:
    live, old = state.live_slot, state.idle_slot
    if state.exclusive and old.has_pods:
        return _remove_pods(old)
    if live.desired < 1:
        return Scale(live.name, state.size)
    # What is gone back to is better than what was left, with however few pods.
    least = 1 if isinstance(goal, Rollback) else max(1, min(live.desired, state.minimum))
    is_urgent = (live.ready < least or not state.active_endpoints) and _takes_back(state, old)
    if not live.serves(at_least=least):
        return AwaitReady(live.name, is_urgent)
    growth = _growth(state, live, beside=old)
    if growth is not None:
        return growth
    if not _routes_only_to(state.active_endpoints, live.name):
        return AwaitEndpoints(live.name, active=True, is_urgent=is_urgent)
    if state.autoscaled != live.name:
        return RetargetAutoscaler(live.name)
    if isinstance(goal, Rollback):
        return _end_of_rollback(state, goal, progress, old=old)
    if not progress.analyzed:
        return Analyze(live.name)
    hook = hooks.step(state, state.running, Hook.AFTER_SWITCH, live.name)
    if hook is not None:
        return hook
    return SwitchPreview(old.name) if state.preview == live.name else Finish(Outcome.RELEASED)


def _end_of_rollback(state: ServiceState, goal: Rollback, progress: Progress, *, old: Slot) -> Step:
    """What follows on a switch back. It is not analyzed: it could only go back to the release that it left."""
    if state.preview == state.live:
        return SwitchPreview(old.name)
    if not goal.keep_failed and old.desired > 0 and state.serves_minimum:
        # Connections that are open to the slot that was left end with its pods: they would be its users until then.
        return ScaleToZero(old.name) if progress.settled else Settle()
    hook = hooks.step(state, state.running, Hook.AFTER_ROLLBACK, old.name) if _is_way_back(state, old) else None
    return hook or Finish(Outcome.RELEASED)


def _growth(state: ServiceState, live: Slot, *, beside: Slot) -> Step | None:
    """The growth of a slot that was switched to with fewer pods than the other one has; then the autoscaler decides."""
    size = min(beside.desired, state.maximum)
    if state.autoscaled != live.name and not state.exclusive and live.desired < size:
        return Scale(live.name, size)
    return None


def _abort(state: ServiceState, goal: LiveGoal, *, failed: Slot, old: Slot) -> Step:
    """The way back: the old slot live, ready and autoscaled; a failed deploy's slot at zero."""
    if state.live == failed.name:
        return _switch_back(state, failed=failed, old=old)
    growth = _growth(state, old, beside=failed) if old.has_pods else None
    if growth is not None:
        return growth
    if state.autoscaled != old.name:
        return RetargetAutoscaler(old.name)
    # A slot that was to be gone back to, or to be switched to, stays as it is: it is the way out if the other is bad.
    is_needless = isinstance(goal, Deploy) and not state.is_rescue_due
    if failed.desired > 0 and (state.exclusive or is_needless):
        return ScaleToZero(failed.name)
    if state.exclusive and old.revision is not None and not old.is_ready:
        return AwaitGone(failed.name) if failed.pods > 0 else _scale_up(state.size, old)
    if old.serves() and not _routes_only_to(state.active_endpoints, old.name):
        return AwaitEndpoints(old.name, active=True)
    if state.preview == old.name:
        return SwitchPreview(failed.name)
    return hooks.step_after_failure(state, failed.name) or Finish(Outcome.FAILED)


def _is_way_back(state: ServiceState, old: Slot) -> bool:
    """Whether a slot holds what was live before the unfinished release."""
    return old.revision is not None and state.running is not None and old.revision == state.running.previous


def _takes_back(state: ServiceState, old: Slot) -> bool:
    """Whether the slot that is not live any more can have its users back at once."""
    return state.is_rescue_due or (not state.exclusive and old.serves() and _is_way_back(state, old))


def _switch_back(state: ServiceState, *, failed: Slot, old: Slot) -> Step:
    if not (_is_way_back(state, old) or state.is_rescue_due):
        return Finish(Outcome.FAILED)  # there is nothing to go back to
    if state.exclusive and failed.has_pods:
        return _remove_pods(failed)
    return SwitchActive(old.name) if old.serves() else _scale_up(state.size, old)


def _remove_pods(slot: Slot) -> Step:
    return ScaleToZero(slot.name) if slot.desired > 0 else AwaitGone(slot.name)


def _scale_up(size: int, slot: Slot, *, is_urgent: bool = False) -> Step:
    return Scale(slot.name, size) if slot.desired < size else AwaitReady(slot.name, is_urgent)


def _retire(state: ServiceState, goal: Retire) -> Step | Done | Refusal:
    idle = state.idle_slot
    if idle.desired == 0:
        return _after_retirement(state, goal) or Done(f"slot {idle.name} has no pods")
    refused = retire_refusal(state)
    if refused is not None:
        return refused
    if state.autoscaled == idle.name:
        return RetargetAutoscaler(state.live)
    return warm_refusal(state, goal) or ScaleToZero(idle.name)


def _after_retirement(state: ServiceState, goal: Retire) -> Step | None:
    release = hooks.retired_release(state)
    if release is None or warm_refusal(state, goal) is not None:
        return None
    idle = state.idle_slot
    return AwaitGone(idle.name) if idle.pods > 0 else hooks.step(state, release, Hook.AFTER_RETIRE, state.live)


def _routes_only_to(endpoints: Mapping[str, int], slot: str) -> bool:
    return set(endpoints) == {slot}
