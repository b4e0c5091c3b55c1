"""What is wrong with a service that no release left so: in words, with the step or the command that mends it."""

from __future__ import annotations

from dataclasses import dataclass

from contract.blue_green import SLOTS, preview_service_name
from release.state import ServiceState, other
from release.steps import Change, RetargetAutoscaler, SetWeights, SwitchActive, SwitchPreview


@dataclass(frozen=True)
class Problem:
    """One problem of a service.

    Attributes:
        text: What is wrong.
        step: What `release repair` does about it; None if it can do nothing.
        remedy: What a person does about it.
    """

    text: str
    step: Change | None
    remedy: str


def problems(state: ServiceState) -> list[Problem]:
    """The problems of a service, those that users notice first."""
    repair = f"release repair {state.environment} {state.service}"
    found: list[Problem] = []
    if not state.is_selected:
        text = f"Service {state.service} selects {state.selected or 'no slot'}, though slot {state.live} was live"
        slot = state.idle_slot if state.is_rescue_due else state.live_slot
        found.append(Problem(text, SwitchActive(slot.name) if slot.serves() else None, repair))
    elif state.is_rescue_due:
        text = f"the live slot {state.live} has no ready pod, and slot {other(state.live)} is ready"
        found.append(Problem(text, SwitchActive(other(state.live)), repair))
    elif state.was_released and not state.live_slot.serves():
        text = f"the live slot {state.live} does not serve: {state.live_slot.ready} of {state.live_slot.desired} pods"
        found.append(Problem(text, None, f"release rollback {state.environment} {state.service}"))
    elif state.was_released and not state.active_endpoints:
        found.append(Problem(f"Service {state.service} has no endpoint", None, "see its EndpointSlices and network"))
    found += [Problem(f"{name} is missing", None, "pulumi refresh, pulumi up") for name in state.missing]
    if state.running is None and state.autoscaled != state.live:
        text = (
            f"HorizontalPodAutoscaler {state.service} scales {state.target or state.autoscaled}, not slot {state.live}"
        )
        found.append(Problem(text, RetargetAutoscaler(state.live), repair))
    if state.running is None and not state.follows_live:
        text = f"the load balancer sends requests to slot {other(state.live)}, though slot {state.live} is live"
        found.append(Problem(text, SetWeights(state.live, 100), repair))
    if state.preview not in SLOTS:
        text = f"Service {preview_service_name(state.service)} selects no slot"
        found.append(Problem(text, SwitchPreview(other(state.live)), repair))
    kept = "commands go on without it; the next release writes a new one and keeps this"
    found += [Problem(text, None, kept) for text in state.anomalies]
    return found
