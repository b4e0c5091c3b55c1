"""The reconciler ends what died, takes back what was interrupted, goes back from what fails, and retires."""

from __future__ import annotations

import itertools
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from contract.blue_green import BLUE, GREEN
from contract.identities import RECONCILER, username
from kube.client import KubernetesApiError, KubernetesObject
from release.announcements import Announcement, Kind
from release.duties import Circumstances, Policy, due, giving_way
from release.errors import ExitCode, ReleaseError
from release.goals import Deploy, Goal, Resume, Retire, Rollback, Switch
from release.history import Action, Outcome
from release.http import Answer
from release.objects import ObjectApi
from release.reconciler import BUSY_SECONDS, Reconciler
from release.run import RECONCILER_SECONDS, Context
from release.state import Pod, Trouble
from tests.release.platform import image
from tests.unit.release.fake_cluster import FakeCaller
from tests.unit.release.faults import Faulty, KilledError
from tests.unit.release.model import NOW, entry, revision, service_state, slot
from tests.unit.release.test_run import FIRST, LIMITS, SECOND, Fixture, calls_of

POLICY = Policy()
OLD, NEW = revision("good", 1), revision("good", 2)
SWITCHED = NOW - timedelta(minutes=1)
"""When `entry` ended."""

OUTAGE = POLICY.outage + BUSY_SECONDS
"""How long users wait at most, whenever a tool dies: as for a tool that lives, and a look."""


class Actor:
    """A reconciler of a fixture's cluster; a second one has the same cluster, and a memory of its own."""

    def __init__(self, fixture: Fixture, api: ObjectApi | None = None, **changes: Any) -> None:
        self._fixture = fixture
        self._api = api or fixture.cluster
        self._changes = changes
        self.lines: list[str] = []
        self.announced: list[Announcement] = []
        self.reconciler = Reconciler(self._api, fixture.clock, self._context, ("dev",), announce=self.announced.append)

    def _context(self, _environment: str, _service: str) -> Context:
        context = Context(
            api=self._api,
            caller=FakeCaller(),
            clock=self._fixture.clock,
            report=self.lines.append,
            by=username(RECONCILER),
            limits=LIMITS,
        )
        return replace(context, **self._changes)

    def act(self) -> None:
        """One look, and what is due by it."""
        with suppress(KubernetesApiError):
            for duty in self.reconciler.look():
                self.reconciler.do(duty)

    def act_meanwhile(self) -> None:
        """Acts from now on whenever somebody else waits."""
        last = self._fixture.clock.monotonic()

        def act(_: float) -> None:
            nonlocal last
            if self._fixture.clock.monotonic() >= last + BUSY_SECONDS:
                last = float("inf")  # not while it acts itself
                self.act()
                last = self._fixture.clock.monotonic()

        self._fixture.clock.listeners.append(act)


def pass_time(fixture: Fixture, seconds: float, *actors: Actor, pause: float = BUSY_SECONDS) -> None:
    until = fixture.clock.monotonic() + seconds
    while fixture.clock.monotonic() < until:
        for actor in actors:
            actor.act()
        fixture.clock.sleep(pause)


def end(fixture: Fixture, *actors: Actor) -> None:
    """Time in which whatever was begun is ended; with fewer looks than in truth, once users do not wait any more."""
    pass_time(fixture, 20, *actors)
    pass_time(fixture, 200, *actors, pause=20)


def killed(fixture: Fixture, goal: Goal, at: int | str, nth: int = 1) -> str | None:
    """Kills a run after a call; the name of the call, None if the run never came to it."""
    faulty = Faulty(fixture.cluster, at=at, nth=nth, fault="killed")
    try:
        fixture.run(goal, faulty)
    except KilledError:
        return faulty.calls[-1]
    return None


def interrupted(fixture: Fixture, goal: Goal, line: str) -> None:
    """A person interrupts a run at a line that it reports."""

    def report(said: str) -> None:
        if line in said:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fixture.run(goal, report=report)


@pytest.mark.parametrize(
    ("fades", "number_of_actors", "step"),
    [(False, 1, 1), (True, 1, 1), (False, 2, 7), (True, 2, 7)],
    ids=["one reconciler", "one reconciler, fading", "two reconcilers", "two reconcilers, fading"],
)
def test_a_release_that_died_anywhere_is_ended_and_no_user_waits_longer_than_for_one_that_lives(
    fades: bool, number_of_actors: int, step: int
) -> None:
    """`fades`: the new pods lose readiness once they are live, and nobody of the release is left to go back."""
    ready = Fixture()
    if fades:
        ready.cluster.fading = SECOND
    ends = set[str]()
    longest = 0.0
    for at in itertools.count(1, step):
        fixture = ready.copy()
        actors = [Actor(fixture) for _ in range(number_of_actors)]
        for actor in actors:
            actor.act_meanwhile()
        name = killed(fixture, Deploy(SECOND), at)
        if name is None:
            break
        end(fixture, *actors)
        state = fixture.state
        assert state.running is None, name
        assert state.live_slot.is_ready, name
        assert state.autoscaled == state.live, name
        assert fixture.cluster.longest_outage <= OUTAGE, name
        ends.add(f"{state.live} {state.history[-1].outcome}")
        longest = max(longest, fixture.cluster.longest_outage)
    taken_back, never_begun = f"{GREEN} failed", f"{GREEN} released"
    assert ends == {taken_back, never_begun} | (set[str]() if fades else {f"{BLUE} released"})
    assert (longest > 0) == fades


def test_a_reconciler_that_dies_anywhere_leaves_the_next_one_to_do_the_same() -> None:
    """While it goes back for users who wait: each death costs another look at whether the lock's holder lives."""
    ready = Fixture()
    ready.cluster.fading = SECOND
    killed(ready, Deploy(SECOND), "patch Service api")
    at = 0
    while True:
        at += 1
        fixture = ready.copy()
        faulty = Faulty(fixture.cluster, at=at, fault="killed")
        with suppress(KilledError):
            end(fixture, Actor(fixture, faulty))
        if not faulty.happened:
            break
        name = faulty.calls[-1]
        end(fixture, Actor(fixture))
        assert (fixture.state.live, fixture.state.live_slot.is_ready) == (GREEN, True), name
        assert fixture.state.running is None, name
        assert fixture.cluster.longest_outage <= 2 * OUTAGE, name
        if faulty.calls.count("patch Service api"):
            break  # it has switched; the rest is as for any run
    assert at > 20


def test_what_happens_to_a_release_is_announced_once_whoever_does_it() -> None:
    fixture = Fixture()
    actor = Actor(fixture)
    actor.act()
    assert actor.announced == [], "what happened before it came"
    actor.act_meanwhile()
    fixture.run(Deploy(SECOND))
    actor.act()
    new = SECOND.rpartition("sha256:")[2][:12]
    assert [(one.kind, one.text) for one in actor.announced] == [
        (Kind.STARTED, f"api: deploy of {new} into {BLUE} by tester"),
        (Kind.SWITCHED, f"api: users are switched to {BLUE}"),
        (Kind.RELEASED, f"api: {new} is released in {BLUE}"),
    ]
    assert {one.release for one in actor.announced} == {fixture.state.history[-1].id}
    assert {(one.environment, one.service, one.slot) for one in actor.announced} == {("dev", "api", BLUE)}


def test_a_release_that_goes_back_is_announced_as_failed_with_its_reason() -> None:
    fixture = Fixture()
    actor = Actor(fixture)
    actor.act()
    fixture.run(Deploy(SECOND), caller=FakeCaller(lambda _: Answer(500, "")))
    actor.act()
    started, failed = actor.announced
    assert (started.kind, failed.kind) == (Kind.STARTED, Kind.FAILED)
    assert f"failed, {GREEN} is live: the smoke test failed" in failed.text
    assert failed.to_json()["level"] == "warn", "it is no error that a service logged"


def test_what_lives_is_left_alone() -> None:
    """A run that waits for its pods renews its lock; the reconciler looks on."""
    fixture = Fixture()
    fixture.cluster.stagger_seconds = 15
    actor = Actor(fixture)
    actor.act_meanwhile()
    assert fixture.run(Deploy(SECOND)).exit_code is ExitCode.DONE
    assert actor.lines == []


def test_who_is_cut_off_changes_nothing_once_the_lock_is_taken_from_it() -> None:
    """Stalled at each of its changes while the reconciler ends its release; then it wakes up."""
    ready = Fixture()
    ready.cluster.fading = SECOND
    names = [one for one in enumerate(calls_of(Deploy(SECOND)), start=1) if one[1].startswith(("patch", "apply"))]
    for number, name in names:
        fixture = ready.copy()
        actor = Actor(fixture)

        actor.act_meanwhile()

        def meanwhile(fixture: Fixture = fixture, actor: Actor = actor) -> None:
            end(fixture, actor)

        stalled = Faulty(fixture.cluster, at=number, fault="stalled", meanwhile=meanwhile)
        with suppress(ReleaseError, KubernetesApiError):
            fixture.run(Deploy(SECOND), stalled)
        end(fixture, actor)
        assert fixture.cluster.longest_outage <= OUTAGE, name
        assert (fixture.state.live, fixture.state.live_slot.serves()) == (GREEN, True), name
        assert fixture.state.running is None, name


@pytest.mark.parametrize("line", ["bringing in", "Smoke test", "Watching"])
def test_a_deploy_that_a_person_interrupts_is_taken_back(line: str) -> None:
    fixture = Fixture()
    actor = Actor(fixture)
    interrupted(fixture, Deploy(SECOND), line)
    pass_time(fixture, 50, actor)
    assert fixture.state.running is not None, "the same command may be run again"
    pass_time(fixture, 60, actor)
    state = fixture.state
    assert (state.live, state.blue.desired, state.autoscaled) == (GREEN, 0, GREEN)
    assert (state.history[-1].outcome, state.history[-1].by) == (Outcome.FAILED, "tester")
    assert "interrupted" in str(state.history[-1].reason) or "abandoned" in str(state.history[-1].reason)


def test_a_rollback_that_is_interrupted_is_gone_on_with() -> None:
    fixture = Fixture()
    fixture.run(Deploy(SECOND))
    interrupted(fixture, Rollback(), "HorizontalPodAutoscaler")
    pass_time(fixture, 120, Actor(fixture))
    assert (fixture.state.live, fixture.state.history[-1].outcome) == (GREEN, Outcome.RELEASED)


def test_what_admission_refuses_is_taken_back() -> None:
    fixture = Fixture()
    assert killed(fixture, Deploy(SECOND), "patch Deployment", 2)

    class Refusing(Faulty):
        def json_patch(self, api_version: str, kind: str, *more: Any, **options: Any) -> KubernetesObject:
            if kind == "Service" and more[0] == "api-preview":
                raise KubernetesApiError("admission: no", status=403, reason="Forbidden")
            return super().json_patch(api_version, kind, *more, **options)

    fixture.cluster.json_patch(
        "v1",
        "Service",
        "api-preview",
        [{"op": "replace", "path": "/spec/selector/slot", "value": GREEN}],
        namespace="dev",
    )
    actor = Actor(fixture, Refusing(fixture.cluster))
    pass_time(fixture, 240, actor)
    assert any("admission: no" in line for line in actor.lines)


def test_a_warm_slot_is_retired_after_its_time_and_what_nothing_needs_is_removed() -> None:
    fixture = Fixture()
    fixture.run(Deploy(SECOND))
    cleaned: list[str] = []
    actor = Actor(fixture, clean_up=lambda: cleaned.append(fixture.state.live))
    killed(fixture, Switch(), "patch HorizontalPodAutoscaler")
    pass_time(fixture, 100, actor)
    fixture.run(Deploy(SECOND))
    assert cleaned == [], "after a retirement only"
    pass_time(fixture, LIMITS.warm - 60, actor)
    assert (fixture.state.green.desired, cleaned) == (2, [])
    pass_time(fixture, 120, actor)
    assert (fixture.state.green.desired, fixture.state.live_slot.is_ready, cleaned) == (0, True, [BLUE])
    pass_time(fixture, POLICY.collect + 120, actor)
    assert cleaned == [BLUE, BLUE], "and once an hour"


def test_a_registry_that_does_not_answer_is_asked_again_and_keeps_no_user_waiting() -> None:
    fixture = Fixture()
    fixture.run(Deploy(SECOND))

    def fail() -> None:
        raise ReleaseError("ECR: no answer", remedy="")

    actor = Actor(fixture, clean_up=fail)
    pass_time(fixture, LIMITS.warm + 600, actor)
    assert fixture.state.green.desired == 0
    assert 4 < sum("ECR: no answer" in line for line in actor.lines) < 12


def test_pods_that_fail_minutes_after_a_release_are_left_while_the_version_before_is_warm() -> None:
    fixture = Fixture()
    fixture.run(Deploy(SECOND))
    actor = Actor(fixture)
    pass_time(fixture, 60, actor)
    assert fixture.state.live == BLUE
    for number in range(2):
        name = f"api-blue-{SECOND[-4:]}-{number}"
        fixture.cluster.stopped["Pod", "dev", name] = fixture.clock.now()
    pass_time(fixture, 10, actor)
    last = fixture.state.history[-1]
    assert (fixture.state.live, last.action, last.outcome) == (GREEN, Action.ROLLBACK, Outcome.RELEASED)
    assert (last.by, last.reason) == (
        username(RECONCILER),
        "2 of 2 pods of slot blue are not ready any more, or have restarted",
    )


def test_users_who_wait_at_a_slot_without_a_ready_pod_are_switched_within_a_look() -> None:
    fixture = Fixture()
    fixture.run(Deploy(SECOND))
    actor = Actor(fixture)
    fixture.cluster.fading = SECOND
    pass_time(fixture, 20, actor)
    assert fixture.state.live == GREEN
    assert fixture.cluster.longest_outage <= BUSY_SECONDS + 1


def test_what_was_gone_back_to_is_left_when_it_fails_and_the_other_is_ready() -> None:
    fixture = Fixture()
    fixture.run(Deploy(SECOND))
    fixture.run(Rollback(keep_failed=True))
    fixture.cluster.fading = FIRST
    pass_time(fixture, 20, Actor(fixture))
    assert fixture.state.live == BLUE
    assert fixture.cluster.longest_outage <= BUSY_SECONDS + 1


def test_a_person_and_the_reconciler_wait_for_each_other() -> None:
    """A person's command comes while the reconciler retires: it is not refused."""
    fixture = Fixture()
    fixture.run(Deploy(SECOND))
    fixture.clock.sleep(LIMITS.warm)
    outcomes: list[ExitCode] = []
    run = fixture.run

    def deploy_meanwhile() -> None:
        with pytest.raises(ReleaseError) as caught:
            run(Deploy(image("api")))
        outcomes.append(caught.value.exit_code)

    faulty = Faulty(fixture.cluster, at="patch Deployment", fault="stalled", meanwhile=deploy_meanwhile)
    began = fixture.clock.monotonic()
    Actor(fixture, faulty).act()
    assert outcomes == [ExitCode.LOCKED], "the reconciler is stalled for longer than anybody waits for it"
    assert fixture.clock.monotonic() - began >= RECONCILER_SECONDS, "it was waited for"
    assert run(Deploy(image("api"))).exit_code is ExitCode.DONE


# What is due, as a function.

RELEASED = service_state(
    slot(BLUE, OLD, 2), slot(GREEN, NEW, 2), live=GREEN, history=(entry(GREEN, NEW, previous=OLD),)
)


def members(*pods: Pod) -> tuple[Pod, ...]:
    return pods


GOOD = Pod(SWITCHED - timedelta(minutes=1), is_ready=True)
UNREADY = replace(GOOD, is_ready=False)
RESTARTED = replace(GOOD, stopped=SWITCHED + timedelta(seconds=5))
RESTARTED_BEFORE = replace(GOOD, stopped=SWITCHED - timedelta(seconds=5))
STARTING = Pod(SWITCHED + timedelta(seconds=5), is_ready=False)


@pytest.mark.parametrize(
    ("pods", "goes_back"),
    [
        ((GOOD, GOOD), False),
        ((UNREADY, GOOD), False),
        ((UNREADY, RESTARTED), True),
        ((UNREADY, UNREADY, GOOD), True),
        ((RESTARTED_BEFORE, RESTARTED_BEFORE), False),
        ((STARTING, STARTING, GOOD), False),
    ],
)
def test_the_budget_counts_pods_that_restart_or_lose_readiness_after_the_switch(
    pods: tuple[Pod, ...], goes_back: bool
) -> None:
    state = replace(RELEASED, green=replace(RELEASED.green, members=pods), blue=replace(RELEASED.blue, members=(GOOD,)))
    goal = due(state, Circumstances(), POLICY)
    assert isinstance(goal, Rollback) == goes_back
    if goes_back:
        for changed in (
            replace(state, blue=replace(state.blue, members=(RESTARTED,))),  # it is not this version's fault
            replace(state, blue=replace(state.blue, ready=1)),
            replace(state, now=state.now + timedelta(seconds=POLICY.watch)),
            replace(state, history=(replace(state.history[0], action=Action.ROLLBACK),)),
        ):
            assert not isinstance(due(changed, Circumstances(), POLICY), Rollback)
        assert due(state, Circumstances(is_locked=True), POLICY) is None


NO_ROOM = (Trouble("Unschedulable", "0/2 nodes are available"),)
NO_QUOTA = (Trouble("FailedCreate", 'pods "ai-green-1" is forbidden: exceeded quota: dev'),)


@pytest.mark.parametrize("trouble", [NO_ROOM, NO_QUOTA])
def test_a_warm_slot_gives_way_to_a_release_that_has_no_room_for_its_pods(trouble: tuple[Trouble, ...]) -> None:
    """Capacity is checked for one second slot; what else is warm goes, one after the other."""
    new = slot(GREEN, NEW, 2, ready=0, troubles=trouble)
    begun = (entry(GREEN, NEW, previous=OLD, outcome=Outcome.RUNNING),)
    asking = service_state(slot(BLUE, OLD, 2), new, service="ai", history=begun)
    before = replace(RELEASED.history[0], finished=NOW - timedelta(seconds=POLICY.watch + 1))
    first = replace(RELEASED, service="first", history=(before,))
    second = replace(first, service="second", history=(replace(before, warm_seconds=700),))
    assert giving_way([asking, second, first], POLICY) == "first"
    assert due(first, Circumstances(gives_way=True), POLICY) == Retire(now=True)
    ending = replace(first, blue=slot(BLUE, OLD, pods=0))
    leaving = replace(ending, blue=replace(ending.blue, pods=2))
    assert giving_way([asking, second, leaving], POLICY) is None, "one by one"
    assert giving_way([asking, second, ending], POLICY) == "second"
    for needed in (
        RELEASED,  # a release that is watched, and its way back
        replace(first, green=replace(first.green, ready=1)),
        replace(first, missing=("Service api-preview",)),
    ):
        assert giving_way([asking, needed], POLICY) is None
    assert giving_way([first, second], POLICY) is None, "there is room"
    pulling = replace(new, troubles=(Trouble("ErrImagePull", ""),))
    assert giving_way([replace(asking, green=pulling), first], POLICY) is None


def test_nothing_is_due_where_a_person_has_to_repair() -> None:
    late = replace(RELEASED, now=NOW + timedelta(hours=1))
    assert due(late, Circumstances(), POLICY) == Retire()
    assert due(replace(late, is_selected=False, selected="canary"), Circumstances(), POLICY) is None
    assert due(replace(late, missing=("Service api-preview",)), Circumstances(), POLICY) is None
    assert due(replace(late, green=replace(late.green, ready=1)), Circumstances(), POLICY) is None, "the way back"


def test_an_abandoned_release_is_ended_by_what_it_was() -> None:
    running = entry(GREEN, NEW, previous=OLD, outcome=Outcome.RUNNING)
    state = replace(RELEASED, live=BLUE, history=(running,))
    abandoned = Circumstances(is_abandoned=True)
    given_back = replace(abandoned, was_given_back=True)
    assert due(state, Circumstances(), POLICY) is None
    assert due(state, replace(abandoned, is_locked=True), POLICY) is None
    assert due(state, abandoned, POLICY) == Resume(running.id)
    assert due(state, given_back, POLICY) == Resume(running.id, "it was interrupted")
    assert due(replace(state, history=(replace(running, previous=None),)), given_back, POLICY) == Resume(running.id)
    rollback = replace(state, history=(replace(running, action=Action.ROLLBACK),))
    assert due(rollback, given_back, POLICY) == Resume(running.id)
    other = replace(state, green=replace(state.green, revision=OLD))
    assert "before slot green had its image" in str(due(other, abandoned, POLICY))
    refused = replace(abandoned, failure="admission: no")
    assert "admission: no" in str(due(state, refused, POLICY))
