"""The steps of a release in words."""

from __future__ import annotations

from collections.abc import Iterable

from contract import blue_green
from release.state import ServiceState, Trouble
from release.steps import (
    ApplyTemplate,
    Await,
    AwaitEndpoints,
    AwaitGone,
    AwaitReady,
    Change,
    RetargetAutoscaler,
    Scale,
    ScaleToZero,
    SwitchActive,
    SwitchPreview,
)


def describe(state: ServiceState, step: Change | Await) -> str:
    """One line on a step; of a step that waits, on how far it is."""
    slot = state.slot(step.slot)
    match step:
        case ScaleToZero():
            return f"Slot {slot.name}: taking its {_pods(slot.desired)} away"
        case ApplyTemplate(_, image, replicas):
            return f"Slot {slot.name}: bringing in {image}, {_pods(replicas)}"
        case Scale(_, replicas):
            return f"Slot {slot.name}: {_pods(replicas)} instead of {slot.desired}"
        case SwitchPreview():
            return f"Service {blue_green.preview_service_name(state.service)}: slot {slot.name}"
        case SwitchActive():
            return f"Service {state.service}: switching from slot {state.live} to slot {slot.name}"
        case RetargetAutoscaler():
            return f"HorizontalPodAutoscaler {state.service}: slot {slot.name}"
        case AwaitReady():
            return f"Slot {slot.name}: {slot.ready} of {slot.desired} pods are ready"
        case AwaitGone():
            return f"Slot {slot.name}: {_pods(slot.pods)} left"
        case AwaitEndpoints():
            service = state.service if step.active else blue_green.preview_service_name(state.service)
            return f"Service {service} does not lead to slot {slot.name} only yet"


def image_of(state: ServiceState, slot: str) -> str:
    """The image of a slot."""
    revision = state.slot(slot).revision
    return revision.image if revision else "no image"


def where_to_look(state: ServiceState) -> str:
    """The end of a message on a release that failed: where its logs are; empty if the platform does not say."""
    return f"; its logs: {state.dashboard}" if state.dashboard else ""


def in_parentheses(troubles: Iterable[Trouble]) -> str:
    """The end of a message that names troubles; empty without any."""
    text = "; ".join(str(trouble) for trouble in troubles)
    return f" ({text})" if text else ""


def _pods(number: int) -> str:
    return f"{number} pod" if number == 1 else f"{number} pods"
