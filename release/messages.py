"""The steps of a release in words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from contract import blue_green
from release.history import Action, version_of
from release.hooks.plan import job_of, release_of
from release.state import ServiceState, Trouble
from release.steps import (
    ApplyTemplate,
    Await,
    AwaitEndpoints,
    AwaitGone,
    AwaitHook,
    AwaitReady,
    AwaitWeights,
    Change,
    RetargetAutoscaler,
    Scale,
    ScaleToZero,
    SetWeights,
    SwitchActive,
    SwitchPreview,
)

DIGITS = 12
"""Hexadecimal digits of a digest or a commit that people read."""

_COMMIT = re.compile(r"[0-9a-f]{40}")
_COUNT = re.compile(r"\d+( pods?)?")
_AHEAD = {
    Action.DEPLOY: (
        ("start the pods", "bringing in"),
        ("smoke test", "Smoke test"),
        ("switch", "switching from"),
        ("watch the answers", "Watching the answers"),
    ),
    Action.SWITCH: (
        ("smoke test", "Smoke test"),
        ("switch", "switching from"),
        ("watch the answers", "Watching the answers"),
    ),
    Action.ROLLBACK: (("switch", "switching from"), ("end the pods of the slot that is left", "away")),
}
"""What a release that goes well does, in order, each with words of the line that tells it has begun."""


def describe(state: ServiceState, step: Change | Await) -> str:
    """One line on a step; of a step that waits, on how far it is."""
    slot = state.slot(step.slot)
    match step:
        case ScaleToZero():
            return f"Slot {slot.name}: taking its {_pods(slot.desired)} away"
        case ApplyTemplate(_, image, replicas):
            return f"Slot {slot.name}: bringing in {_known(state, image)}, {_pods(replicas)}"
        case Scale(_, replicas):
            return f"Slot {slot.name}: {_pods(replicas)} instead of {slot.desired}"
        case SwitchPreview():
            return f"Service {blue_green.preview_service_name(state.service)}: slot {slot.name}"
        case SwitchActive():
            selected = state.live if state.is_selected else state.selected
            return f"Service {state.service}: switching from slot {selected or '(none)'} to slot {slot.name}"
        case SetWeights(_, weight):
            return f"Load balancer: {weight} % of the requests to slot {slot.name}"
        case RetargetAutoscaler():
            return f"HorizontalPodAutoscaler {state.service}: slot {slot.name}"
        case _:
            return _describe_wait(state, step)


def _describe_wait(state: ServiceState, step: Await) -> str:
    slot = state.slot(step.slot)
    match step:
        case AwaitReady():
            recent = f", {slot.recent} of them for less than {slot.min_ready_seconds} s" if slot.recent else ""
            return f"Slot {slot.name}: {slot.ready} of {slot.desired} pods are ready{recent}"
        case AwaitGone():
            return f"Slot {slot.name}: {_pods(slot.pods)} left"
        case AwaitHook(hook):
            job = job_of(state, release_of(state, hook), hook)
            return f"Hook {hook}: waiting for its Job" + (
                f" ({'; '.join(job.troubles)})" if job and job.troubles else ""
            )
        case AwaitEndpoints():
            service = state.service if step.active else blue_green.preview_service_name(state.service)
            return f"Service {service} does not lead to slot {slot.name} only yet"
        case AwaitWeights(_, weight):
            return f"The load balancer's rules do not give {weight} % of the requests to slot {slot.name} yet"


def image_of(state: ServiceState, slot: str) -> str:
    """The image of a slot, for people."""
    revision = state.slot(slot).revision
    return _known(state, revision.image) if revision else "no image"


def named(image: str, version: str | None) -> str:
    """An image for people: its version, if it is known, and the first digits of its digest."""
    digits = image.rpartition("@")[2].removeprefix("sha256:")[:DIGITS]
    if version is None:
        return digits
    return f"{version[:DIGITS] if _COMMIT.fullmatch(version) else version} ({digits})"


def same_step(line: str, other: str) -> bool:
    """Whether two lines are of the same step: they differ in numbers at most, such as that of ready pods."""
    return _COUNT.sub("#", line) == _COUNT.sub("#", other)


def is_failure(line: str) -> bool:
    """Whether a line says that something went wrong."""
    return line.startswith("Failed: ")


def ahead(lines: Iterable[str]) -> tuple[str, ...]:
    """What a release does next, by the lines that it has reported so far; nothing that is known after a failure."""
    phases: list[tuple[str, str]] = []
    for line in lines:
        for action, following in _AHEAD.items():
            if line.startswith(f"{action} of "):
                phases = list(following)
        if is_failure(line):
            phases = []
        for number, (_, words) in enumerate(phases):
            if words in line:
                phases = phases[number + 1 :]
                break
    return tuple(phase for phase, _ in phases)


def where_to_look(state: ServiceState) -> str:
    """The end of a message on a release that failed: where its logs are; empty if the platform does not say."""
    return f"; its logs: {state.dashboard}" if state.dashboard else ""


def in_parentheses(troubles: Iterable[Trouble]) -> str:
    """The end of a message that names troubles; empty without any."""
    text = "; ".join(str(trouble) for trouble in troubles)
    return f" ({text})" if text else ""


def _known(state: ServiceState, image: str) -> str:
    return named(image, version_of(state.history, image))


def _pods(number: int) -> str:
    return f"{number} pod" if number == 1 else f"{number} pods"
