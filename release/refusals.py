"""The checks before a release begins: pure functions from the state of a service to a refusal, or None."""

from __future__ import annotations

from contract.blue_green import SENTINEL_DIGEST
from release.goals import Deploy, LiveGoal, Retire, Rollback, Switch
from release.history import Action, Outcome
from release.messages import image_of, named
from release.state import ServiceState, other
from release.steps import Refusal


def refusal(state: ServiceState, goal: LiveGoal) -> Refusal | None:
    """Why a release may not begin."""
    match goal:
        case Deploy():
            return _deploy_refusal(state, goal)
        case Switch():
            return _switch_refusal(state, goal)
        case Rollback():
            return _rollback_refusal(state)


def retire_refusal(state: ServiceState) -> Refusal | None:
    """Why the idle slot may be needed, so that it cannot be scaled to zero, not even with `--now`."""
    idle = state.idle_slot
    if state.running is not None:
        return Refusal(
            f"a {state.running.action} of {state.service} by {state.running.by} is not finished",
            "run it again, so that it goes on; or `release deploy` something else",
        )
    if state.missing:
        return missing_refusal(state)
    if not state.is_selected:
        return Refusal(
            f"Service {state.service} selects {state.selected or 'no slot'}, and slot {state.live} shall be live",
            f"`release repair {state.environment} {state.service}`",
        )
    if not state.serves_minimum:
        return Refusal(
            f"the live slot {state.live} of {state.service} is not ready, and slot {idle.name} may be the way back",
            "`release rollback`, or see why its pods are not ready: `release status`",
        )
    return None


def warm_refusal(state: ServiceState, goal: Retire) -> Refusal | None:
    """Why the idle slot may not be scaled to zero yet: its warm time."""
    idle = state.idle_slot
    if not goal.now and state.warm_until is not None and state.now < state.warm_until:
        return Refusal(
            f"slot {idle.name} of {state.service} stays warm until {state.warm_until:%Y-%m-%d %H:%M:%S %Z}",
            "wait, or use --now: connections that are still open to it are closed, and a rollback then has to start "
            "its pods first",
        )
    return None


def missing_refusal(state: ServiceState) -> Refusal | None:
    """Why nothing can be brought in, nor anything be taken away: objects that somebody deleted."""
    if not state.missing:
        return None
    return Refusal(
        f"{' and '.join(state.missing)} of {state.service} are not in {state.environment}: somebody deleted them",
        "`pulumi refresh` and `pulumi up` create them again; `release rollback` and `switch` work until then, "
        "if the other slot has pods",
    )


def _deploy_refusal(state: ServiceState, goal: Deploy) -> Refusal | None:
    if state.missing:
        return missing_refusal(state)
    if goal.canary and state.weights is None:
        return Refusal(
            f"the load balancer knows no slots of {state.service} in {state.environment}, so it can have no canary",
            "give the service a `canary:` in the stack's settings and run `pulumi up`, or deploy without --canary",
        )
    repository, _, digest = goal.image.partition("@")
    if digest == SENTINEL_DIGEST:
        return Refusal(
            f"{goal.image} is the sentinel: the placeholder in the PodTemplate, not an image",
            "use the digest that the build pushed",
        )
    if repository != state.repository:
        return Refusal(
            f"{goal.image} is not from the repository of {state.service}, {state.repository}",
            f"push it there, and use {state.repository}@sha256:…",
        )
    if state.verified is not None and digest not in state.verified and goal.override is None:
        return Refusal(
            f"{state.environment} takes only what was verified, and {digest} has no verification record",
            f"deploy it to dev, try it there, and run `release verify dev {state.service}`; "
            'whoever has the right to may use --override "reason"',
        )
    return None


def _switch_refusal(state: ServiceState, goal: Switch) -> Refusal | None:
    slot = state.slot(goal.to or other(state.live))
    if slot.name != state.live and not slot.serves():
        return Refusal(
            f"slot {slot.name} of {state.service} is not warm: {slot.ready} of {slot.desired} pods are ready",
            "`release rollback` starts its pods first; `release deploy` brings a new image in",
        )
    return None


def _rollback_refusal(state: ServiceState) -> Refusal | None:
    idle = state.idle_slot
    released = [entry for entry in state.history if entry.outcome is Outcome.RELEASED]
    is_back = bool(released) and released[-1].action is Action.ROLLBACK and released[-1].slot == state.live
    if is_back and not state.is_rescue_due:
        return Refusal(
            f"{state.service} was rolled back already, by {released[-1].by}",
            "`release deploy` goes forward again, or `release switch` where --keep-failed has kept the slot warm; "
            "`release history` lists past releases",
        )
    if idle.revision is None:
        return Refusal(
            f"slot {idle.name} of {state.service} never had an image: there is nothing to go back to",
            "`release deploy` brings one in",
        )
    if not state.has_served(idle):
        return Refusal(
            f"slot {idle.name} of {state.service} holds {image_of(state, idle.name)}, which never served",
            _way_back(state),
        )
    return None


def _way_back(state: ServiceState) -> str:
    """What brings back the image that was live before this one; the history may have none."""
    live = state.live_slot.revision
    for entry in reversed(state.history):
        if entry.outcome is Outcome.RELEASED and live is not None and entry.revision.image != live.image:
            return (
                f"`release deploy {state.environment} {state.service} --image {entry.revision.image}` brings "
                f"{named(entry.revision.image, entry.version)} back, which was live before"
            )
    return "choose an image from `release history`, and `release deploy` it"
