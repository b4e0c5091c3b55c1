"""The load balancer's weights in a release: pure functions, which the plan calls.

The weights of a service's slots follow its live slot, but for a canary: after the smoke test and before the switch the
new slot gets the weights of the release's steps. No slot is emptied unless the load balancer's rules are known to give
all requests to the other one.
"""

from __future__ import annotations

from release import pauses
from release.goals import Deploy
from release.history import Outcome
from release.progress import Progress
from release.state import ServiceState, other
from release.steps import (
    Analyze,
    AwaitWeights,
    Done,
    Finish,
    Refusal,
    ScaleToZero,
    Settle,
    SetWeights,
    Step,
    SwitchActive,
)


def shares(slot: str, weight: int) -> dict[str, int]:
    """The shares of both slots in percent, when one of them has a weight."""
    return {slot: weight, other(slot): 100 - weight}


def canary_steps(state: ServiceState, goal: Deploy, slot: str) -> tuple[int, ...]:
    """The weights that a deploy into a slot goes through; none where the load balancer has none to go through."""
    if state.weights is None or slot == state.live or not state.live_slot.serves():
        return ()
    configured = state.canary.steps if state.canary else ()
    return configured if goal.canary is None else goal.canary


def step_seconds(state: ServiceState, goal: Deploy) -> float:
    """How long each weight of a deploy lasts."""
    configured = state.canary.step_seconds if state.canary else 0
    return configured if goal.step_seconds is None else goal.step_seconds


def is_under_way(state: ServiceState) -> bool:
    """Whether the unfinished release has a canary, and has not switched yet."""
    running = state.running
    return running is not None and bool(running.canary) and running.slot != state.live


def is_reached(state: ServiceState, slot: str) -> bool:
    """Whether the load balancer sends requests to a slot."""
    return bool((state.weights or {}).get(slot))


def next_canary_step(state: ServiceState, progress: Progress, slot: str) -> Step | None:
    """The next step of the canary of a slot whose pods are ready; None if nothing is left of it before the switch.

    A run that resumes a release goes on at the weight that it finds.
    """
    running = state.running
    if running is None or state.weights is None or not state.live_slot.serves():
        return None  # where the live slot does not serve, users wait for the switch
    pause = pauses.step(state, str(progress.passed_weight))
    if pause is not None:
        return pause
    left = [weight for weight in running.canary if weight > progress.passed_weight]
    if not left:
        return None
    found = state.weights[slot]
    weight = found if found in left else left[0]
    return _weigh(state, progress, slot, weight) or Analyze(slot, weight)


def routed(
    state: ServiceState, progress: Progress, step: Step | Done | Refusal, *, in_canary: bool
) -> Step | Done | Refusal:
    """A step of the plan, or what the weights need before it.

    Args:
        state: The service.
        progress: What this run has done.
        step: What the plan says.
        in_canary: Whether the weights are those of a canary, which this run carries on.
    """
    if state.weights is None or isinstance(step, Refusal | SwitchActive) or not state.is_selected:
        return step
    empties = isinstance(step, ScaleToZero)
    if in_canary and not empties:
        return step
    relies = empties or isinstance(step, Analyze | Finish)
    if not state.follows_live or (relies and state.weights != shares(state.live, 100)):
        return SetWeights(state.live, 100)
    is_known = progress.weights == (state.live, 100) or progress.abort_failure is not None
    if relies and not is_known:
        return _unrouted(state, step) if progress.is_unrouted else AwaitWeights(state.live, 100)
    # The load balancer's nodes follow its rules as Kubernetes' nodes follow a switch.
    return Settle() if empties and not progress.settled else step


def _unrouted(state: ServiceState, step: Step | Done) -> Step | Done | Refusal:
    """What is left to do where the load balancer does not follow: it may send requests to the slot to be emptied."""
    if isinstance(step, Finish):
        return step
    if state.running is not None:
        return Finish(Outcome.RELEASED if state.running.slot == state.live else Outcome.FAILED)
    return Refusal(
        f"the load balancer's rules do not give all requests to slot {state.live} of {state.service}",
        "see the Ingress' events and the log of the AWS Load Balancer Controller; then run the command again",
    )


def _weigh(state: ServiceState, progress: Progress, slot: str, weight: int) -> Step | None:
    """What gives a slot its weight, in the load balancer's rules; None if it has it."""
    if state.weights != shares(slot, weight):
        return SetWeights(slot, weight)
    return None if progress.weights == (slot, weight) else AwaitWeights(slot, weight)
