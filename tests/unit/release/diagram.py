"""The steps of releases as Mermaid state diagrams, from the plan: `python -m tests.unit.release.diagram` writes them.

The plan is followed from the states that releases meet, with versions of each quality; each pair of steps that follow
one another is an arrow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from contract.blue_green import BLUE, GREEN
from rehearsal.layout import CHECKOUT
from release.goals import Deploy, Goal, Resume, Rollback, Switch
from release.pauses import BEFORE_SWITCH
from release.progress import Progress
from release.state import Canary, ServiceState
from release.steps import (
    Analyze,
    AwaitEndpoints,
    AwaitHook,
    AwaitWeights,
    Begin,
    Decide,
    Done,
    EndHook,
    Finish,
    Pause,
    Refusal,
    RunHook,
    Settle,
    SetWeights,
    Step,
)
from release.weights import shares
from tests.unit.release.model import EVERY_HOOK, World, entry, image, revision, service_state, slot
from tools.benchmarks.tables import replace_section

DOCUMENT = CHECKOUT / "docs" / "releases.md"
SECTION = "release-diagram"

START = "[*]"
OLD, NEW = revision("good", 1), revision("good", 2)
QUALITIES = ("good", "never ready", "smoke", "watch", "fades")

WORDS = {"SwitchActive": "switch users", "SwitchPreview": "switch preview", "RetargetAutoscaler": "autoscaler"}
"""Steps whose names say too little beside a slot."""


def starts() -> Iterator[tuple[str, ServiceState, Goal]]:
    """The heading of a diagram, a state, and what is asked for in it."""
    past = (entry(BLUE, OLD),)
    empty = service_state(slot(BLUE, OLD, 2), slot(GREEN), history=past)
    warm = replace(empty, green=slot(GREEN, NEW, 2), history=(entry(GREEN, NEW), *past))
    dark = replace(warm, blue=slot(BLUE, OLD, 2, 0), active_endpoints={})
    for quality in QUALITIES:
        deploy = Deploy(image(quality, 5))
        yield "A deploy", empty, deploy
        yield "A deploy", warm, deploy
        yield "A deploy where the live slot has no ready pod, and the other one has", dark, deploy
        yield "A deploy of an exclusive service", replace(empty, exclusive=True), deploy
    for deploy_of in QUALITIES:
        yield "A deploy of a service with hooks", replace(empty, hooks=EVERY_HOOK), Deploy(image(deploy_of, 5))
    cold, grown = replace(warm, green=slot(GREEN, NEW)), replace(warm, blue=slot(BLUE, OLD, 4))
    yield "A deploy that waits for a person before the switch", empty, Deploy(image("good", 5), pauses=(BEFORE_SWITCH,))
    for state in (warm, dark, cold, grown):
        yield "A rollback", state, Rollback()
    yield "A rollback", warm, Rollback(keep_failed=True)
    weighted = replace(empty, weights=shares(BLUE, 100), canary=Canary((10, 50), 60))
    for quality in QUALITIES:
        yield "A deploy of a service with a canary of 10 and 50 %", weighted, Deploy(image(quality, 5))
    for quality in QUALITIES:
        yield "A switch", replace(warm, green=slot(GREEN, revision(quality), 2)), Switch()


def steps_of(state: ServiceState, goal: Goal) -> Iterator[tuple[Step | Done | Refusal, bool]]:
    """The steps of the plan, and of each whether something had failed before. A pause ends with either decision."""
    world = World(state, pauses=goal.pauses if isinstance(goal, Deploy) else ())
    yield from _followed(world, goal)


def _followed(world: World, goal: Goal) -> Iterator[tuple[Step | Done | Refusal, bool]]:
    while True:
        step = world.step(goal)
        failed = world.progress.failure is not None
        if isinstance(step, Done) and world.state.running is not None and world.state.running.paused:
            for failure in (None, "aborted"):
                yield Pause(BEFORE_SWITCH), False
                decided = replace(world, progress=Progress(failure=failure))
                yield from _followed(decided, Resume(world.state.running.id, failure, by="ada"))
            return
        yield step, failed
        if isinstance(step, Done | Refusal):
            return
        world = world.after(step)


def name(step: Step | Done | Refusal, start: ServiceState) -> str:
    """A step in words: what it does, and to which slot."""
    kind = type(step).__name__
    match step:
        case Done() | Refusal() | Settle() | Begin():
            return kind.lower()
        case Finish(outcome):
            return f"finish: {outcome}"
        case Pause():
            return "pause"
        case Decide(_, failure):
            return "abort" if failure else "resume"
        case RunHook(hook) | AwaitHook(hook) | EndHook(hook):
            return f"hook {hook}"
        case _:
            words = WORDS.get(kind) or re.sub(r"(?<!^)(?=[A-Z])", " ", kind).lower()
            words = words.removesuffix(" slot")
            service = (" of users" if step.active else " of preview") if isinstance(step, AwaitEndpoints) else ""
            weight = f" {step.weight} %" if isinstance(step, SetWeights | AwaitWeights) else ""
            if isinstance(step, Analyze) and step.slot != start.live and step.weight < 100:
                weight = f" at {step.weight} %"
            return f"{words}{weight}{service}: {'old' if step.slot == start.live else 'new'} slot"


def arrows(starts: Iterable[tuple[ServiceState, Goal]]) -> dict[tuple[str, str], bool]:
    """Each pair of steps that follow one another, and whether only a failure leads from the one to the other."""
    found: dict[tuple[str, str], bool] = {}
    for state, goal in starts:
        before, had_failed = START, False
        for step, failed in steps_of(state, goal):
            after = name(step, state)
            if after == "done":
                after = START
            if before != after and (before, after) != (START, "pause"):  # the second decision on one pause
                is_failure = failed and not had_failed
                found[before, after] = found.get((before, after), True) and is_failure
            before, had_failed = after, failed
    return found


def mermaid(found: Mapping[tuple[str, str], bool]) -> str:
    """A state diagram in Mermaid's language; what a failure leads to is labelled so."""
    names = sorted({one for pair in found for one in pair} - {START})
    ids = {START: START, **{one: re.sub(r"\W+", "_", one) for one in names}}
    lines = ["stateDiagram-v2"]
    lines += [f'    state "{one}" as {ids[one]}' for one in names]
    lines += [
        f"    {ids[before]} --> {ids[after]}{': it failed' if failed else ''}"
        for (before, after), failed in sorted(found.items())
    ]
    return "\n".join(lines)


def diagrams() -> str:
    """All diagrams, each under its heading, as Markdown."""
    by_heading: dict[str, list[tuple[ServiceState, Goal]]] = {}
    for heading, state, goal in starts():
        by_heading.setdefault(heading, []).append((state, goal))
    parts = [f"{heading}:\n\n```mermaid\n{mermaid(arrows(found))}\n```" for heading, found in by_heading.items()]
    return "\n\n".join(parts)


if __name__ == "__main__":
    replace_section(DOCUMENT, SECTION, diagrams())
