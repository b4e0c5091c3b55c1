"""From any state, a plan ends with a live slot that is ready, and selects no slot that is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from contract.blue_green import BLUE, GREEN, SENTINEL_DIGEST, SLOTS
from release.context import Limits
from release.duties import Circumstances, Policy, due
from release.goals import Deploy, Goal, Resume, Retire, Rollback, Route, Switch
from release.history import Action, Entry, Outcome, Revision
from release.hooks.values import BLOCKING, Hook
from release.plan import next_step
from release.progress import Progress
from release.state import Canary, ServiceState, Slot, other
from release.steps import (
    Analyze,
    ApplyTemplate,
    AwaitEndpoints,
    AwaitGone,
    AwaitReady,
    AwaitWeights,
    Begin,
    Done,
    Finish,
    Refusal,
    RetargetAutoscaler,
    Scale,
    ScaleToZero,
    Settle,
    SetWeights,
    SmokeTestSlot,
    Step,
    SwitchActive,
    SwitchPreview,
)
from release.weights import shares
from tests.unit.release.model import (
    EVERY_HOOK,
    NOW,
    REPOSITORY,
    World,
    endpoints,
    entry,
    image,
    quality,
    revision,
    service_state,
    slot,
)

MANY_STEPS = 90
OUTAGE = Limits().outage

OLD, NEW = revision("good", 1), revision("good", 2)

revisions = st.builds(
    revision,
    st.sampled_from(["good", "good", "never ready", "smoke", "watch", "fades"]),
    st.integers(0, 2),
    st.sampled_from(["now", "before", None]),
)


@st.composite
def slots(draw: st.DrawFn, name: str) -> Slot:
    runs = draw(st.none() | revisions)
    wanted = draw(st.integers(0, 5)) if runs else 0
    can = runs is not None and quality(runs.image) != "never ready"
    ready = draw(st.integers(0, wanted)) if can else 0
    recent = draw(st.integers(0, ready))
    ending = draw(st.integers(0, 2)) if runs else 0
    return Slot(name, runs, wanted, ready, recent, pods=wanted + ending, is_rolled_out=draw(st.booleans()) or not can)


canaries = st.sampled_from([(), (10, 50), (100,)])

all_weights = st.none() | st.sampled_from([{BLUE: 0, GREEN: 0}, *(shares(BLUE, share) for share in (0, 10, 50, 100))])


@st.composite
def states(draw: st.DrawFn) -> ServiceState:
    blue, green = draw(slots(BLUE)), draw(slots(GREEN))
    which = {BLUE: blue, GREEN: green}
    some_endpoints = st.sampled_from([{}, endpoints(blue), endpoints(green), {**endpoints(blue), **endpoints(green)}])
    past: list[Entry] = draw(
        st.lists(
            st.builds(
                entry,
                st.sampled_from(SLOTS),
                revisions,
                action=st.sampled_from(Action),
                previous=st.none() | revisions,
                outcome=st.sampled_from(Outcome),
                canary=canaries,
            ),
            max_size=3,
        )
    )
    exclusive = draw(st.booleans())
    return service_state(
        blue,
        green,
        live=draw(st.sampled_from(SLOTS)),
        preview=draw(st.sampled_from(SLOTS)),
        autoscaled=draw(st.sampled_from(SLOTS)),
        active_endpoints=draw(some_endpoints),
        preview_endpoints=draw(some_endpoints),
        exclusive=exclusive,
        canary=draw(st.none() | st.just(Canary((10, 50), 1))),
        weights=None if exclusive else draw(all_weights),
        history=tuple(
            replace(one, revision=which[one.slot].revision or one.revision) if draw(st.booleans()) else one
            for one in past
        ),
        hooks=draw(st.just(()) | st.just(EVERY_HOOK)),
        preview_replicas=draw(st.none() | st.integers(1, 5)),
        verified=draw(st.none() | st.just(frozenset[str]()) | st.just(frozenset({image("good", 2).partition("@")[2]}))),
    )


goals = st.one_of(
    st.builds(
        Deploy,
        st.builds(image, st.sampled_from(["good", "never ready", "smoke", "watch", "fades"]), st.integers(0, 2)),
        canary=st.none() | canaries,
        template=st.none() | st.just("before"),
    ),
    st.builds(Switch, st.none() | st.sampled_from(SLOTS)),
    st.builds(Rollback, st.booleans()),
    st.builds(Retire, st.booleans()),
)


def follow(
    start: ServiceState,
    goal: Goal,
    crashes: frozenset[int] = frozenset(),
    room: int = 1000,
    **more: Any,
) -> tuple[World, list[Step], Done | Refusal]:
    """Does step after step until there is none; the tool is killed, and run again, after some of them."""
    begun = Progress(failure=goal.failure if isinstance(goal, Resume) else None)
    world, steps = World(start, begun, room=room, goal=goal, **more), list[Step]()
    while True:
        step = world.step(goal)
        if isinstance(step, Done | Refusal):
            return world, steps, step
        if isinstance(step, SwitchActive):
            assert world.state.slot(step.slot).serves(), f"{step} of {world.state}"
        if isinstance(step, SetWeights):
            assert step.slot == world.state.live or world.state.slot(step.slot).is_ready, f"{step} of {world.state}"
        new = brought_in(world, goal, step)
        assert new is None or new.desired >= world.state.size, f"{step} has few pods: {world.state}"
        assert new is None or new.is_available, f"{step} has pods that may not last: {world.state}"
        if isinstance(step, ScaleToZero) and world.state.weights is not None and world.state.is_selected:
            assert world.rules == shares(other(step.slot), 100), f"{step} of a slot that may get requests: {steps}"
        before = world.state
        world = world.after(step)
        steps.append(step)
        check_step(before, world.state, step)
        assert world.outage <= OUTAGE * (1 + len(crashes)), f"users waited {world.outage} s: {steps}"
        if len(steps) in crashes:
            world = replace(world, progress=begun)
        assert len(steps) < MANY_STEPS, f"no end: {steps}"


def brought_in(world: World, goal: Goal, step: Step) -> Slot | None:
    """The slot of a new version that a step of a deploy lets users reach, though they need not wait."""
    state = world.state
    if world.progress.failure or not isinstance(goal, Deploy) or not isinstance(step, SetWeights | SwitchActive):
        return None
    return state.slot(step.slot) if step.slot != state.live and state.live_slot.serves() else None


def can_serve(state: ServiceState) -> bool:
    """Whether a slot serves, so that users need not wait: its readiness shows it, whatever the history says."""
    return state.blue.serves() or state.green.serves()


def fades(of: Slot) -> bool:
    return of.revision is not None and quality(of.revision.image) == "fades"


def check_step(before: ServiceState, after: ServiceState, step: Step) -> None:
    if before.live_slot.serves() and not before.exclusive and not fades(after.live_slot):
        assert after.live_slot.serves(), f"{step} leaves no live slot that serves"
    if can_serve(before) and not before.exclusive and not fades(after.live_slot):
        assert after.blue.ready or after.green.ready, f"{step} empties the only slot that could serve"
    if before.exclusive and not (before.blue.pods and before.green.pods):
        assert not (after.blue.pods and after.green.pods), f"{step} lets two versions run at once"


failing_hooks = st.just(frozenset[Hook]()) | st.frozensets(st.sampled_from(Hook))


@hypothesis_settings(max_examples=400)
@given(states(), goals, st.frozensets(st.integers(1, 35), max_size=3), st.integers(4, 20), st.data(), failing_hooks)
def test_from_any_state_repeated_steps_end_with_a_live_slot_that_serves(  # noqa: PLR0917 - what may happen
    start: ServiceState, goal: Goal, crashes: frozenset[int], room: int, data: st.DataObject, failing: frozenset[Hook]
) -> None:
    is_deaf, settles = data.draw(st.booleans()), data.draw(st.booleans())
    world, steps, end = follow(start, goal, crashes, room, is_deaf=is_deaf, failing=failing, settles=settles)
    event(f"{type(goal).__name__}: {type(end).__name__}")
    if isinstance(end, Refusal) and not crashes:
        changes = {RetargetAutoscaler, SwitchActive, SetWeights, AwaitWeights}
        assert world.state == start or {type(one) for one in steps} <= changes
    if start.weights is not None and isinstance(end, Done):
        assert world.state.follows_live
    stays = not fades(world.state.live_slot)
    if can_serve(start) and not start.exclusive and isinstance(goal, Deploy) and isinstance(end, Done) and stays:
        assert world.state.live_slot.ready
    if start.live_slot.serves() and not start.exclusive and stays:
        assert world.state.live_slot.serves()
    plenty = room >= start.blue.pods + start.green.pods + 2 * max(start.size, start.idle_slot.desired)
    runs = start.live_slot.revision
    if start.exclusive and start.live_slot.is_ready and runs and quality(runs.image) == "good" and plenty:
        assert world.state.live_slot.is_ready
    follows = start.weights is None or not is_deaf
    is_good = isinstance(goal, Deploy) and quality(goal.image) == "good" and not failing.intersection(BLOCKING)
    if isinstance(goal, Deploy) and is_good and isinstance(end, Done) and plenty and follows:
        assert world.state.live_slot.serves()
        assert world.state.live_slot.revision == Revision(goal.image, goal.template or start.template)
        assert world.state.autoscaled == world.state.live
        assert world.state.running is None


@st.composite
def abandoned(draw: st.DrawFn) -> ServiceState:
    """A state with an unfinished release, which nobody is at work on."""
    state = draw(states())
    name = draw(st.sampled_from(SLOTS))
    new, old = state.slot(name), state.slot(other(name))
    running = entry(
        name,
        draw(st.just(new.revision or NEW) | revisions),
        action=draw(st.sampled_from(Action)),
        previous=draw(st.just(old.revision) | st.none() | revisions),
        outcome=Outcome.RUNNING,
        canary=draw(canaries),
    )
    return replace(state, history=(*state.history, replace(running, id="abandoned")))


circumstances = st.builds(
    Circumstances,
    has_holder_failed=st.booleans(),
    is_abandoned=st.just(value=True),
    was_given_back=st.booleans(),
    failure=st.none() | st.just("admission refuses it"),
)


@hypothesis_settings(max_examples=400, derandomize=True)
@given(states() | abandoned(), circumstances, st.frozensets(st.integers(1, 25), max_size=3), st.integers(4, 12))
def test_from_any_state_what_the_reconciler_does_ends_and_lets_nobody_wait(
    start: ServiceState, circumstances: Circumstances, crashes: frozenset[int], room: int
) -> None:
    goal = due(start, circumstances, Policy())
    if goal is None:
        return
    world, steps, end = follow(start, goal, crashes, room)
    event(f"{type(goal).__name__}: {type(end).__name__}")
    assert not any(isinstance(step, ApplyTemplate) for step in steps), "it brings nothing in"
    assert isinstance(end, Done), end
    if not isinstance(goal, Retire | Route):
        assert world.state.running is None
    if start.weights is not None:
        assert world.state.follows_live
    if start.live_slot.serves() and not start.exclusive and not fades(world.state.live_slot):
        assert world.state.live_slot.serves()


@st.composite
def in_canaries(draw: st.DrawFn) -> tuple[ServiceState, Goal]:
    """A live slot that serves, a canary that has begun or is to begin, and what somebody asks for then."""
    state = draw(states())
    live, name = state.live, other(state.live)
    new = draw(revisions)
    running = entry(name, replace(new, template="now"), previous=OLD, outcome=Outcome.RUNNING, canary=draw(canaries))
    wanted = draw(st.sampled_from([running.revision, running.revision, draw(revisions)]))
    goals_then = st.sampled_from([Deploy(wanted.image, canary=(10, 50)), Resume("canary"), Rollback(), Switch()])
    begun = (replace(running, id="canary"),) if draw(st.integers(0, 3)) else ()
    served = entry(live, OLD)
    weights = draw(st.sampled_from([shares(name, share) for share in (0, 0, 10, 50, 100)]))
    changes = {live: slot(live, OLD, 3), "weights": weights, "exclusive": False, "history": (served, *begun)}
    return replace(state, **changes), draw(goals_then)


@hypothesis_settings(max_examples=400)
@given(in_canaries(), st.frozensets(st.integers(1, 35), max_size=3), st.booleans())
def test_users_are_served_whatever_becomes_of_a_canary(
    asked: tuple[ServiceState, Goal], crashes: frozenset[int], is_deaf: bool
) -> None:
    start, goal = asked
    world, steps, end = follow(start, goal, crashes, is_deaf=is_deaf)
    event(f"{type(goal).__name__}: {type(end).__name__}, {sum(isinstance(step, SetWeights) for step in steps)} weights")
    if isinstance(end, Done):
        assert world.state.follows_live
    if not fades(world.state.live_slot):
        assert world.state.live_slot.serves()


def test_what_is_taken_back_is_not_emptied_while_it_alone_serves_and_served_before() -> None:
    """Such as a version that is deployed a second time; the live slot loses its pods meanwhile."""
    before = entry(GREEN, NEW)
    running = replace(entry(GREEN, NEW, previous=OLD, outcome=Outcome.RUNNING), id="abandoned")
    state = service_state(slot(BLUE, OLD, 3), slot(GREEN, NEW, 3), history=(before, running))
    goal, progress = Resume("abandoned", "it was interrupted"), Progress(failure="it was interrupted")
    assert next_step(state, goal, progress) == ScaleToZero(GREEN)
    dark = replace(state, blue=replace(state.blue, ready=0))
    assert not isinstance(next_step(dark, goal, progress), ScaleToZero)
    assert isinstance(next_step(state, Resume("another"), Progress()), Done)
    assert isinstance(next_step(replace(state, green=slot(GREEN, OLD, 3)), Resume("abandoned"), Progress()), Refusal)


@given(st.sampled_from(["never ready", "smoke", "watch", "fades"]), st.booleans(), st.integers(0, 1))
def test_a_version_that_fails_leaves_what_was_live_live(wrong: str, exclusive: bool, warm: int) -> None:
    start = service_state(slot(BLUE, OLD, 3), slot(GREEN, revision("good", 9), warm), exclusive=exclusive)
    world, steps, end = follow(start, Deploy(image(wrong)))
    assert isinstance(end, Done)
    assert (world.state.live, world.state.live_slot.revision, world.state.live_slot.is_ready) == (BLUE, OLD, True)
    assert (world.state.green.desired, world.state.autoscaled) == (0, BLUE)
    assert world.state.history[-1].outcome is Outcome.FAILED
    assert isinstance(steps[-1], Finish)


def kinds(steps: list[Step]) -> list[type[Any]]:
    return [type(step) for step in steps if not type(step).__name__.startswith("Await")]


def test_a_deploy_goes_through_the_idle_slot_in_this_order() -> None:
    start = service_state(slot(BLUE, OLD, 3), slot(GREEN))
    world, steps, _ = follow(start, Deploy(NEW.image))
    assert kinds(steps) == [
        Begin,
        ApplyTemplate,
        SmokeTestSlot,
        SwitchActive,
        RetargetAutoscaler,
        Analyze,
        SwitchPreview,
        Finish,
    ]
    assert steps[1] == ApplyTemplate(GREEN, NEW.image, 3)
    assert world.state.live_slot == slot(GREEN, NEW, 3)
    assert world.state.blue == start.blue, "the slot that was live stays warm as it was"


@pytest.mark.parametrize(
    "found", [{}, {BLUE: 3}, {GREEN: 2}, {BLUE: 1, GREEN: 3}, {GREEN: 3, "": 1}], ids=lambda found: str(dict(found))
)
@pytest.mark.parametrize("progress", [Progress(), Progress(smoke_tested=True)])
def test_nothing_is_tried_or_switched_to_before_the_preview_service_leads_to_all_its_pods_and_no_other(
    found: dict[str, int], progress: Progress
) -> None:
    running = entry(GREEN, NEW, previous=OLD, outcome=Outcome.RUNNING)
    at_hand = service_state(slot(BLUE, OLD, 3), slot(GREEN, NEW, 3), history=(running,))
    wait = AwaitEndpoints(GREEN, active=False)
    assert next_step(replace(at_hand, preview_endpoints=found), Deploy(NEW.image), progress) == wait
    assert next_step(at_hand, Deploy(NEW.image), progress) != wait


FEW = service_state(slot(BLUE, OLD, 3), slot(GREEN), preview_replicas=1)


def pods_of(steps: list[Step]) -> list[tuple[str, int]]:
    """The steps that size a slot and those that need its size."""
    return [
        (type(step).__name__, getattr(step, "replicas", getattr(step, "weight", 0)))
        for step in steps
        if isinstance(step, ApplyTemplate | Scale | SmokeTestSlot | SetWeights | SwitchActive)
    ]


def test_a_new_version_has_few_pods_until_its_smoke_test_and_all_before_users_reach_it() -> None:
    until_switch = [("ApplyTemplate", 1), ("SmokeTestSlot", 0), ("Scale", 3)]
    world, steps, _ = follow(FEW, Deploy(NEW.image))
    assert pods_of(steps) == [*until_switch, ("SwitchActive", 0)]
    assert world.state.live_slot == slot(GREEN, NEW, 3)
    grown = steps.index(Scale(GREEN, 3))
    assert steps[grown + 1 : grown + 3] == [AwaitReady(GREEN), AwaitEndpoints(GREEN, active=False)]
    weighted = replace(FEW, weights=shares(BLUE, 100), canary=Canary((10,), 1))
    _, steps, _ = follow(weighted, Deploy(NEW.image))
    assert pods_of(steps)[:4] == [*until_switch, ("SetWeights", 10)]
    assert pods_of(follow(FEW, Deploy(image("smoke")))[1]) == until_switch[:2]


@pytest.mark.parametrize(
    "changes",
    [{"exclusive": True}, {"blue": slot(BLUE, OLD, 3, 0)}, {"preview_replicas": 5}, {"preview_replicas": None}],
    ids=["exclusive", "users wait", "more than the live slot's", "not set"],
)
def test_a_new_version_has_all_its_pods_at_once(changes: dict[str, Any]) -> None:
    world, steps, _ = follow(replace(FEW, **changes), Deploy(NEW.image))
    (size,) = {step.replicas for step in steps if isinstance(step, ApplyTemplate | Scale)}
    assert size == world.state.live_slot.ready > 1


def test_a_run_that_resumes_takes_no_pod_away_from_a_slot_that_had_grown() -> None:
    grown = in_canary(10, preview_replicas=1)
    assert next_step(grown, Deploy(NEW.image), Progress()) == SmokeTestSlot(GREEN)
    assert next_step(replace(grown, green=slot(GREEN, NEW, 2, 1)), Deploy(NEW.image), Progress()) == AwaitReady(GREEN)


def test_pods_of_a_new_version_have_to_be_ready_for_a_time_before_users_reach_them_unless_those_wait() -> None:
    running = entry(GREEN, NEW, previous=OLD, outcome=Outcome.RUNNING)
    recent = service_state(
        slot(BLUE, OLD, 2), slot(GREEN, NEW, 2, recent=1), history=(running,), preview_endpoints={GREEN: 2}
    )
    assert next_step(recent, Deploy(NEW.image), TESTED) == AwaitReady(GREEN)
    assert next_step(replace(recent, green=slot(GREEN, NEW, 2)), Deploy(NEW.image), TESTED) == SwitchActive(GREEN)
    dark = replace(recent, blue=slot(BLUE, OLD, 2, 0))
    assert next_step(dark, Deploy(NEW.image), TESTED) == SwitchActive(GREEN)
    back = replace(recent, history=(entry(GREEN, NEW), entry(BLUE, OLD)))
    assert SwitchActive(GREEN) in follow(back, Rollback())[1][:2]


def test_the_first_release_of_all_has_the_fewest_pods_it_may_have() -> None:
    world, _, _ = follow(service_state(slot(BLUE), slot(GREEN)), Deploy(NEW.image))
    assert world.state.live_slot == slot(GREEN, NEW, 2)


def test_the_idle_slot_grows_with_the_live_one_before_the_switch() -> None:
    running = entry(GREEN, NEW, previous=OLD, outcome=Outcome.RUNNING)
    start = service_state(slot(BLUE, OLD, 4), slot(GREEN, NEW, 2), history=(running,))
    assert World(start).step(Deploy(NEW.image)) == Scale(GREEN, 4)


def test_a_changed_template_is_released_as_a_new_image_is() -> None:
    start = service_state(slot(BLUE, revision("good", 1, "before"), 2), slot(GREEN))
    world, _, _ = follow(start, Deploy(OLD.image))
    assert world.state.live_slot.revision == OLD


def test_what_is_live_already_is_not_deployed_again() -> None:
    start = service_state(slot(BLUE, OLD, 2), slot(GREEN))
    world, steps, _ = follow(start, Deploy(OLD.image))
    assert (world.state, steps) == (start, [])


def test_a_deploy_retires_a_slot_whose_warm_time_is_over() -> None:
    long_ago = entry(BLUE, OLD, finished=NOW - timedelta(days=1))
    warm = service_state(slot(BLUE, OLD, 2), slot(GREEN, NEW, 2), history=(long_ago,))
    assert follow(warm, Deploy(OLD.image))[1] == [ScaleToZero(GREEN)]
    just_now = replace(long_ago, finished=NOW)
    assert follow(replace(warm, history=(just_now,)), Deploy(OLD.image))[1] == []


@pytest.mark.parametrize(
    ("previous", "ready", "step"),
    [
        (OLD, 2, SwitchActive(GREEN)),
        (None, 2, Finish(Outcome.FAILED)),
        (None, 0, SwitchActive(GREEN)),
    ],
)
def test_a_version_that_fails_goes_back_to_what_was_live_or_to_what_can_serve(
    previous: Revision | None, ready: int, step: Step
) -> None:
    """Who deploys what is live again, to mend it, has no way back but for users who get nothing at all."""
    running = entry(BLUE, NEW, previous=previous, outcome=Outcome.RUNNING)
    at_hand = service_state(slot(BLUE, NEW, 2, ready), slot(GREEN, OLD, 2), history=(running,))
    assert next_step(at_hand, Deploy(NEW.image), Progress(failure="worse")) == step


@pytest.mark.parametrize(
    "history",
    [
        (),
        (entry(GREEN, OLD, outcome=Outcome.RUNNING),),
        (entry(GREEN, OLD, outcome=Outcome.FAILED),),
        (entry(BLUE, revision("good", 7), previous=revision("good", 8), outcome=Outcome.RUNNING),),
    ],
    ids=["none", "unfinished", "failed", "of other versions"],
)
def test_the_only_slot_that_is_ready_is_not_emptied_whatever_the_history_says(history: tuple[Entry, ...]) -> None:
    dark = service_state(slot(BLUE, NEW, 2, 0), slot(GREEN, OLD, 2), history=history)
    _, steps, _ = follow(dark, Deploy(image("good", 5)))
    assert steps[0] == SwitchActive(GREEN)


def test_a_failed_version_keeps_its_pods_while_nothing_else_is_ready() -> None:
    running = entry(GREEN, NEW, previous=OLD, outcome=Outcome.RUNNING)
    dark = service_state(slot(BLUE, OLD, 2, 0), slot(GREEN, NEW, 2), history=(running,))
    failed = Progress(failure="the smoke test failed")
    assert next_step(dark, Deploy(NEW.image), failed) == Finish(Outcome.FAILED)
    assert next_step(replace(dark, blue=slot(BLUE, OLD, 2, 1)), Deploy(NEW.image), failed) == ScaleToZero(GREEN)


def test_a_deploy_of_what_served_before_is_switched_to_at_once_where_users_wait() -> None:
    past = (entry(GREEN, NEW), entry(GREEN, NEW, previous=OLD, outcome=Outcome.RUNNING))
    dark = service_state(slot(BLUE, OLD, 2, 0), slot(GREEN, NEW, 2, 1), history=past)
    assert next_step(dark, Deploy(NEW.image), Progress()) == SwitchActive(GREEN)
    untested = replace(dark, history=(entry(GREEN, NEW, previous=OLD, outcome=Outcome.RUNNING),))
    assert next_step(untested, Deploy(NEW.image), Progress()) == AwaitReady(GREEN)


def test_a_rollback_to_a_warm_slot_is_one_patch_at_once() -> None:
    start = service_state(
        slot(BLUE, OLD, 2), slot(GREEN, NEW, 2), live=GREEN, history=(entry(GREEN, NEW, previous=OLD),)
    )
    _, steps, _ = follow(start, Rollback())
    assert [type(step) for step in steps[:2]] == [Begin, SwitchActive]


def test_a_rollback_starts_the_pods_of_a_slot_without_any_first() -> None:
    start = service_state(slot(BLUE, OLD), slot(GREEN, NEW, 4), live=GREEN, history=(entry(GREEN, NEW, previous=OLD),))
    _, steps, _ = follow(start, Rollback())
    assert steps[1:4] == [Scale(BLUE, 4), AwaitReady(BLUE), SwitchActive(BLUE)]


def rolled_back(room: int, blue: int, green: int, **more: Any) -> tuple[World, list[Step], Done | Refusal]:
    start = service_state(
        slot(BLUE, OLD, blue), slot(GREEN, NEW, green), live=GREEN, history=(entry(GREEN, NEW, previous=OLD),), **more
    )
    return follow(start, Rollback(), room=room)


def test_a_rollback_switches_to_a_warm_slot_that_serves_and_grows_it_afterwards() -> None:
    _, steps, _ = rolled_back(1000, blue=2, green=4)
    assert steps[1:3] == [SwitchActive(BLUE), Scale(BLUE, 4)]


def test_a_rollback_without_room_takes_the_warm_slot_as_it_is() -> None:
    world, steps, _ = rolled_back(7, blue=2, green=5, minimum=3, maximum=5)
    assert (world.state.live, world.state.live_slot.desired) == (BLUE, 5)
    assert not any(isinstance(step, ScaleToZero) for step in steps), "never a slot that served"
    assert world.state.history[-1].outcome is Outcome.RELEASED


def test_a_rollback_ends_the_pods_it_left_once_the_nodes_have_followed_and_what_is_live_serves() -> None:
    world, steps, _ = rolled_back(1000, blue=2, green=4)
    assert steps[-3:] == [Settle(), ScaleToZero(GREEN), Finish(Outcome.RELEASED)]
    assert (world.state.live, world.state.green.desired) == (BLUE, 0)


@pytest.mark.parametrize("settled", [False, True])
def test_a_rollback_leaves_the_pods_while_what_is_live_has_too_few_and_where_they_shall_be_kept(settled: bool) -> None:
    running = entry(BLUE, OLD, action=Action.ROLLBACK, previous=NEW, outcome=Outcome.RUNNING)
    switched = service_state(slot(BLUE, OLD, 4, 2), slot(GREEN, NEW, 2), history=(running,))
    progress = Progress(settled=settled)
    drains = ScaleToZero(GREEN) if settled else Settle()
    assert next_step(switched, Rollback(), progress) == drains
    assert next_step(switched, Rollback(keep_failed=True), progress) == Finish(Outcome.RELEASED)
    few = replace(switched, blue=slot(BLUE, OLD, 4, 1))
    assert next_step(few, Rollback(), progress) == Finish(Outcome.RELEASED)


def test_a_failed_switch_goes_back_to_the_slot_before_though_the_live_one_grew_and_nothing_more_fits() -> None:
    running = entry(GREEN, NEW, previous=OLD, outcome=Outcome.RUNNING)
    grown = service_state(slot(BLUE, OLD, 2), slot(GREEN, NEW, 4), live=GREEN, history=(running,))
    world = World(grown, Progress(failure="worse"), room=6)
    assert world.step(Deploy(NEW.image)) == SwitchActive(BLUE)


@pytest.mark.parametrize("goal", [Deploy(image("good", 5)), Rollback(), Switch()])
def test_who_finds_users_waiting_while_another_slot_can_serve_switches_to_it_first(goal: Goal) -> None:
    dark = service_state(
        slot(BLUE, OLD, 2), slot(GREEN, NEW, 2, 0), live=GREEN, history=(entry(GREEN, NEW, previous=OLD),)
    )
    _, steps, _ = follow(dark, goal)
    assert next(step for step in steps if not isinstance(step, Begin)) == SwitchActive(BLUE)


def test_a_rollback_that_was_killed_after_its_switch_does_not_switch_again() -> None:
    start = service_state(
        slot(BLUE, OLD, 2), slot(GREEN, NEW, 2), live=GREEN, history=(entry(GREEN, NEW, previous=OLD),)
    )
    world, steps, _ = follow(start, Rollback(), crashes=frozenset({2}))
    assert (world.state.live, kinds(steps).count(SwitchActive)) == (BLUE, 1)


def test_exclusive_versions_never_run_at_once() -> None:
    start = service_state(slot(BLUE, OLD, 2), slot(GREEN), exclusive=True)
    _, steps, _ = follow(start, Deploy(NEW.image))
    assert steps[1:4] == [ScaleToZero(BLUE), AwaitGone(BLUE), ApplyTemplate(GREEN, NEW.image, 2)]


@pytest.mark.parametrize(
    ("goal", "changes", "told"),
    [
        (Deploy(f"{REPOSITORY}@{SENTINEL_DIGEST}"), {}, "is the sentinel"),
        (Deploy("elsewhere/api@sha256:" + 64 * "a"), {}, "is not from the repository of api"),
        (Deploy(NEW.image), {"verified": frozenset[str]()}, "has no verification record"),
        (Switch(), {}, "slot green of api is not warm"),
        (Rollback(), {}, "never had an image"),
        (Rollback(), {"green": slot(GREEN, NEW, 2), "history": (entry(BLUE, OLD),)}, "which never served"),
        (
            Rollback(),
            {
                "green": slot(GREEN, NEW, 2),
                "history": (entry(GREEN, NEW), entry(BLUE, OLD, action=Action.ROLLBACK, previous=NEW)),
            },
            "was rolled back already",
        ),
        (Retire(), {"green": slot(GREEN, NEW, 2), "history": (entry(BLUE, OLD),)}, "stays warm until"),
        (
            Retire(now=True),
            {"green": slot(GREEN, NEW, 2), "history": (entry(GREEN, NEW, outcome=Outcome.RUNNING),)},
            "is not finished",
        ),
        (Retire(now=True), {"green": slot(GREEN, NEW, 2), "blue": slot(BLUE, OLD, 2, 0)}, "may be the way back"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_refusal_says_why_and_what_to_do(goal: Goal, changes: dict[str, Any], told: str) -> None:
    start = replace(service_state(slot(BLUE, OLD, 2), slot(GREEN)), **changes)
    end = World(start).step(goal)
    assert isinstance(end, Refusal)
    assert told in end.reason
    assert end.remedy


def test_a_rollback_to_what_never_served_names_what_was_live_before() -> None:
    """The slot of the version before was taken for one that failed."""
    older = replace(OLD, image=f"{REPOSITORY}@sha256:{64 * 'e'}")
    history = (
        entry(GREEN, older),
        entry(BLUE, OLD, previous=older),
        entry(GREEN, NEW, previous=OLD, outcome=Outcome.FAILED),
    )
    end = World(replace(service_state(slot(BLUE, OLD, 2), slot(GREEN, NEW)), history=history)).step(Rollback())
    assert isinstance(end, Refusal)
    assert f"`release deploy dev api --image {older.image}`" in end.remedy
    none = World(replace(service_state(slot(BLUE, OLD, 2), slot(GREEN, NEW)), history=history[1:])).step(Rollback())
    assert isinstance(none, Refusal)
    assert "`release history`" in none.remedy


def test_an_override_lets_an_unverified_image_in() -> None:
    start = service_state(slot(BLUE, OLD, 2), slot(GREEN), verified=frozenset[str]())
    world, _, _ = follow(start, Deploy(NEW.image, override="the verifier is down"))
    assert world.state.live_slot.revision == NEW


def test_preview_follows_the_idle_slot() -> None:
    world, steps, _ = follow(service_state(slot(BLUE, OLD, 2), slot(GREEN)), Deploy(NEW.image))
    assert world.state.preview == BLUE
    assert SwitchPreview(BLUE) in steps
    assert [step for step in steps if isinstance(step, SmokeTestSlot | Analyze)] == [
        SmokeTestSlot(GREEN),
        Analyze(GREEN),
    ]


BY_WEIGHT = service_state(slot(BLUE, OLD, 2), slot(GREEN), weights=shares(BLUE, 100), canary=Canary((10, 50), 60))


def weighed(steps: list[Step]) -> list[Step]:
    return [step for step in steps if isinstance(step, SetWeights | AwaitWeights | Analyze | SwitchActive | Finish)]


def test_a_canary_goes_through_its_weights_before_the_switch_and_then_gets_all() -> None:
    world, steps, _ = follow(BY_WEIGHT, Deploy(NEW.image))
    canary = [step for w in (10, 50) for step in (SetWeights(GREEN, w), AwaitWeights(GREEN, w), Analyze(GREEN, w))]
    after = [SwitchActive(GREEN), SetWeights(GREEN, 100), AwaitWeights(GREEN, 100), Analyze(GREEN)]
    assert weighed(steps) == [*canary, *after, Finish(Outcome.RELEASED)]
    assert world.state.history[-1].canary == (10, 50)


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        (Deploy(NEW.image, canary=()), [100]),
        (Deploy(NEW.image, canary=(5, 100)), [5, 100]),
        (Deploy(image("watch")), [10, 0]),
        (Deploy(image("smoke")), []),
        (Deploy(image("fades")), [10, 0]),
    ],
    ids=["direct", "its own steps", "worse at its first step", "smoke test failed", "not ready with users"],
)
def test_the_weights_of_the_new_slot(goal: Deploy, expected: list[int]) -> None:
    _, steps, _ = follow(BY_WEIGHT, goal)
    set_weights = [step for step in steps if isinstance(step, SetWeights)]
    assert [one.weight if one.slot == GREEN else 100 - one.weight for one in set_weights] == expected


def in_canary(weight: int, **more: Any) -> ServiceState:
    running = entry(GREEN, NEW, previous=OLD, outcome=Outcome.RUNNING, canary=(10, 50))
    slots = {"green": slot(GREEN, NEW, 2), "preview_endpoints": {GREEN: 2}, "history": (running,)}
    return replace(BY_WEIGHT, **{**slots, "weights": shares(GREEN, weight), **more})


TESTED = Progress(smoke_tested=True)


@pytest.mark.parametrize("goal", [Deploy(NEW.image), Resume(f"{GREEN}-deploy")], ids=["deploy", "reconciler"])
@pytest.mark.parametrize("weight", [10, 50])
def test_a_canary_that_is_resumed_goes_on_at_the_weight_that_it_finds(goal: Goal, weight: int) -> None:
    state = in_canary(weight)
    assert next_step(state, goal, Progress()) == SmokeTestSlot(GREEN)
    assert next_step(state, goal, TESTED) == AwaitWeights(GREEN, weight)
    assert next_step(state, goal, replace(TESTED, weights=(GREEN, weight))) == Analyze(GREEN, weight)


@pytest.mark.parametrize("goal", [Deploy(image("good", 7)), Switch(), Rollback(), Route()])
def test_whoever_does_something_else_during_a_canary_sets_its_weights_back_first(goal: Goal) -> None:
    assert next_step(in_canary(10), goal, Progress()) == SetWeights(BLUE, 100)


def test_a_rollback_during_a_canary_takes_it_back() -> None:
    world, steps, end = follow(in_canary(10), Rollback())
    assert isinstance(end, Done)
    assert [type(step) for step in steps] == [SetWeights, AwaitWeights, Settle, ScaleToZero, Finish]
    assert (world.state.live, world.state.history[-1].outcome) == (BLUE, Outcome.FAILED)


def test_a_rollback_during_a_canary_ends_though_the_slot_before_gets_no_pod_ready() -> None:
    stuck = in_canary(0, weights=None, exclusive=True, blue=slot(BLUE, revision("never ready"), 0), green=slot(GREEN))
    world, _, end = follow(stuck, Rollback())
    assert isinstance(end, Done)
    assert world.state.history[-1].outcome is Outcome.FAILED


def test_a_canary_skips_its_steps_where_users_wait_for_the_switch() -> None:
    dark = in_canary(10, blue=slot(BLUE, OLD, 2, 0))
    assert next_step(dark, Deploy(NEW.image), TESTED) == SwitchActive(GREEN)


def test_a_canary_slot_that_loses_its_pods_is_waited_for_as_long_as_users_may_wait() -> None:
    dark = in_canary(10, green=slot(GREEN, NEW, 2, 0))
    assert next_step(dark, Deploy(NEW.image), TESTED) == AwaitReady(GREEN, is_urgent=True)


def test_no_slot_is_emptied_where_the_load_balancer_does_not_follow() -> None:
    after = entry(GREEN, NEW, previous=OLD, finished=NOW - timedelta(days=1))
    warm = replace(BY_WEIGHT, green=slot(GREEN, NEW, 2), history=(replace(after, slot=BLUE, revision=OLD),))
    _, steps, end = follow(warm, Retire(), is_deaf=True)
    assert steps == [AwaitWeights(BLUE, 100)]
    assert isinstance(end, Refusal)
    assert "load balancer's rules" in end.reason
    world, steps, end = follow(replace(warm, live=GREEN, history=(after,)), Rollback(), is_deaf=True)
    assert isinstance(end, Done)
    assert (world.state.live, world.state.green.desired, world.state.history[-1].outcome) == (
        BLUE,
        2,
        Outcome.RELEASED,
    )
    world, _, _ = follow(warm, Deploy(image("good", 5)), is_deaf=True)
    assert (world.state.live, world.state.green.desired, world.state.history[-1].outcome) == (BLUE, 2, Outcome.FAILED)


def test_a_canary_needs_a_load_balancer_that_knows_the_slots() -> None:
    end = next_step(replace(BY_WEIGHT, weights=None), Deploy(NEW.image, canary=(10,)), Progress())
    assert isinstance(end, Refusal)
    assert "canary" in end.remedy
    _, steps, _ = follow(replace(BY_WEIGHT, weights=None), Deploy(NEW.image))
    assert not any(isinstance(step, SetWeights | AwaitWeights) for step in steps)
