"""A release survives temporary failures of the API server, and reports its steps."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, get_args

import pytest

from contract.blue_green import BLUE, GREEN, MIN_READY_SECONDS, PREVIEW_REPLICAS
from kube.client import UNREACHABLE, WATCH_GRACE_SECONDS, KubernetesApiError, KubernetesObject
from rehearsal import demo_images
from release import changes
from release.errors import ExitCode, LostRaceError, ReleaseError
from release.goals import Deploy, Goal, Retire, Rollback, Switch
from release.history import Outcome
from release.http import Answer
from release.lock import Lock
from release.objects import ObjectApi
from release.observe import observe
from release.run import Context, Limits, Result, reconcile
from release.state import ServiceState
from release.steps import ApplyTemplate
from release.waiting import BEFORE_START_SECONDS, NODE_SECONDS
from tests.release.platform import image, objects
from tests.unit.release.fake_cluster import FakeCaller, FakeClock, FakeCluster
from tests.unit.release.faults import WATCH, Fault, Faulty, KilledError

FAULTS: tuple[Fault, ...] = tuple(
    one for one in get_args(Fault) if one not in ("killed", "lost watch", "stalled", "late answer")
)
LIMITS = Limits(ready=30, patience=5, endpoints=30, watch=1, rules=4)
DASHBOARD = "https://log.example.com/app/dashboards#/view/dev-dashboard"
FIRST, SECOND = image("api"), image("api")


class Fixture:
    """A service that was released once."""

    def __init__(
        self,
        *,
        exclusive: bool = False,
        replicas: int = 2,
        released: bool = True,
        settings: dict[str, str] | None = None,
        **options: Any,
    ) -> None:
        annotations = {"hello-platform/exclusive": json.dumps(exclusive), "hello-platform/dashboard": DASHBOARD}
        annotations |= settings or {}
        self.clock = FakeClock()
        sizes = {"minimum": replicas, "maximum": max(4, replicas)}
        made = objects("dev", "api", annotations=annotations, **sizes, **options)
        self.cluster = FakeCluster(self.clock, made)
        self.lines: list[str] = []
        if released:
            self.run(Deploy(FIRST))
        self.cluster.selected.clear()

    def copy(self) -> Fixture:
        """Another one, as this one stands now."""
        return pickle.loads(pickle.dumps(self))  # noqa: S301 - our own

    def run(
        self, goal: Goal, api: ObjectApi | None = None, caller: FakeCaller | None = None, **changes: object
    ) -> Result:
        context = Context(
            api=api or self.cluster,
            caller=caller or FakeCaller(),
            clock=self.clock,
            report=self.lines.append,
            by="tester",
            limits=LIMITS,
        )
        return reconcile(replace(context, **changes), "dev", "api", goal)  # type: ignore[arg-type]

    @property
    def state(self) -> ServiceState:
        return observe(self.cluster, "dev", "api", now=self.clock.now())

    def events(self) -> list[str]:
        """The reasons of those that `kubectl describe service api` shows: it asks for the Service's UID."""
        found = self.cluster.list("v1", "Event", namespace="dev")
        return [str(one["reason"]) for one in found if one["involvedObject"]["uid"] == self.state.uid]

    def is_locked(self) -> bool:
        return Lock(self.cluster, "dev", "api", "somebody else", self.clock).acquire() is not None


def calls_of(goal: Goal, **options: Any) -> list[str]:
    fixture = Fixture(**options)
    faulty = Faulty(fixture.cluster)
    fixture.run(goal, faulty)
    return faulty.calls


def test_a_release_is_told_in_events_and_history() -> None:
    fixture = Fixture()
    result = fixture.run(Deploy(SECOND), approved_by="grace")
    assert result.exit_code is ExitCode.DONE
    assert (fixture.state.live, fixture.state.live_slot.revision.image) == (BLUE, SECOND)  # type: ignore[union-attr]
    last = fixture.state.history[-1]
    assert (last.approved_by, last.outcome, last.by, last.revision.image, last.previous.image) == (  # type: ignore[union-attr]
        "grace",
        Outcome.RELEASED,
        "tester",
        SECOND,
        FIRST,
    )
    assert fixture.events()[-3:] == ["ReleaseStarted", "Switched", "Released"]
    assert not fixture.is_locked()


@pytest.mark.parametrize("canary", [(), (10, 50)], ids=["direct", "canary"])
@pytest.mark.parametrize("fault", FAULTS)
def test_each_call_may_fail_once(fault: Fault, canary: tuple[int, ...]) -> None:
    """Counted, not sampled: each call of a deploy in turn."""
    outcomes: Counter[str] = Counter()
    ready = Fixture(canary=canary)
    for number, name in enumerate(calls_of(Deploy(SECOND), canary=canary), start=1):
        fixture = ready.copy()
        faulty = Faulty(fixture.cluster, at=number, fault=fault)
        result = fixture.run(Deploy(SECOND), faulty)
        assert faulty.happened
        assert result.exit_code is ExitCode.DONE, name
        assert fixture.cluster.selected == [BLUE], f"{fault} at {name}: never a double switch"
        assert fixture.state.live_slot.is_ready
        assert fixture.state.weights in (None, {BLUE: 100, GREEN: 0}), name
        assert [one.outcome for one in fixture.state.history] == [Outcome.RELEASED] * 2, name
        assert not fixture.is_locked(), name
        outcomes[name.split()[0]] += 1
    print(f"{fault}: {sum(outcomes.values())} calls failed once each, all releases finished: {dict(outcomes)}")


def test_each_watch_may_be_lost() -> None:
    numbers = [number for number, name in enumerate(calls_of(Deploy(SECOND)), start=1) if name.startswith(WATCH)]
    assert numbers
    for number in numbers:
        fixture = Fixture()
        assert (
            fixture.run(Deploy(SECOND), Faulty(fixture.cluster, at=number, fault="lost watch")).exit_code
            is ExitCode.DONE
        )


class NoNews(Faulty):
    """An API server whose watches tell nothing: each is `silent` beyond its time, or `closed` at once."""

    def __init__(self, fixture: Fixture, kind: str) -> None:
        super().__init__(fixture.cluster)
        self._clock, self._kind = fixture.clock, kind

    def watch(self, api_version: str, kind: str, **options: Any) -> Iterator[tuple[str, KubernetesObject]]:
        self.calls.append(f"{WATCH} {kind}")
        assert len(self.calls) < 10_000, "it asks again and again, and no time passes"
        if self._kind == "silent":
            self._clock.sleep(options["timeout"] + WATCH_GRACE_SECONDS)
            raise KubernetesApiError("no answer", status=UNREACHABLE, reason="Fault")
        return iter([])


@pytest.mark.parametrize("kind", ["silent", "closed"])
def test_a_release_needs_no_watch_that_tells_anything(kind: str) -> None:
    fixture = Fixture()
    began, deaf = fixture.clock.monotonic(), NoNews(fixture, kind)
    assert fixture.run(Deploy(SECOND), deaf).exit_code is ExitCode.DONE
    assert fixture.clock.monotonic() - began <= 10
    assert len(deaf.calls) < 200
    fading = Fixture()
    fading.cluster.fading = SECOND
    deaf = NoNews(fading, kind)
    assert fading.run(Deploy(SECOND), deaf).exit_code is ExitCode.ROLLED_BACK
    assert fading.state.live_slot.serves()
    assert fading.cluster.longest_outage <= LIMITS.outage + 3
    assert len(deaf.calls) < 400


@pytest.mark.parametrize(
    ("goal", "options"),
    [
        (Deploy(SECOND), {}),
        (Deploy(SECOND), {"exclusive": True}),
        (Deploy(SECOND), {"canary": (10, 50)}),
        (Deploy(SECOND), {"settings": {PREVIEW_REPLICAS: "1", MIN_READY_SECONDS: "5"}, "canary": (10,)}),
        (Rollback(), {}),
        (Rollback(), {"exclusive": True}),
        (Rollback(), {"canary": (10,)}),
        (Switch(to=BLUE), {}),
        (Switch(to=BLUE), {"canary": (10,)}),
    ],
    ids=[
        "deploy",
        "exclusive",
        "canary",
        "few pods first",
        "rollback",
        "exclusive rollback",
        "canary rollback",
        "switch",
        "canary switch",
    ],
)
def test_a_tool_that_is_killed_after_any_call_leaves_the_live_slot_ready_and_the_next_run_finishes(
    goal: Goal, options: dict[str, Any]
) -> None:
    ready, exclusive = Fixture(**options), "exclusive" in options
    if not isinstance(goal, Deploy):
        ready.run(Deploy(SECOND))
        ready.run(Deploy(FIRST))  # blue holds the second, warm; green is live
    ready.cluster.selected.clear()
    number = 0
    while True:
        number += 1
        fixture = ready.copy()
        faulty = Faulty(fixture.cluster, at=number, fault="killed")
        try:
            fixture.run(goal, faulty)
        except KilledError:
            pass
        else:
            break
        assert exclusive or fixture.state.live_slot.is_ready, faulty.calls[-1]
        assert not fixture.state.is_misrouted, faulty.calls[-1]
        shown = fixture.state.live == BLUE or (fixture.state.weights or {}).get(BLUE)
        assert exclusive or not shown or fixture.state.blue.ready == 2, faulty.calls[-1]
        fixture.clock.sleep(61)
        if isinstance(goal, Rollback) and fixture.state.running is None and fixture.state.live == BLUE:
            # It was finished, but for its lock.
            with pytest.raises(ReleaseError, match="rolled back already"):
                fixture.run(goal)
        else:
            assert fixture.run(goal).exit_code is ExitCode.DONE, faulty.calls[-1]
        assert fixture.state.live_slot.is_ready, faulty.calls[-1]
        assert fixture.state.live == BLUE, faulty.calls[-1]
        assert fixture.cluster.selected == [BLUE], faulty.calls[-1]
        assert fixture.state.weights in (None, {BLUE: 100, GREEN: 0}), faulty.calls[-1]
        assert not fixture.is_locked()
    print(f"{type(goal).__name__}: killed after each of {number - 1} calls; the next run finished after each")


@pytest.mark.parametrize(
    ("goal", "caller", "told", "seen_before_the_switch"),
    [
        (Deploy(image("api", demo_images.Fault.NEVER_READY)), FakeCaller(), "0 of 2 pods are ready, after 3", True),
        (
            Deploy(SECOND),
            FakeCaller(lambda service: Answer(500 if service == "api-preview" else 200, "")),
            "the smoke test failed: /health answered 500, not 200",
            True,
        ),
        (Deploy(SECOND), None, "worse after the switch", False),
    ],
    ids=["never ready", "smoke test", "worse after the switch"],
)
def test_a_version_that_fails_is_taken_back(
    goal: Goal, caller: FakeCaller | None, told: str, seen_before_the_switch: bool
) -> None:
    fixture = Fixture()
    worse = FakeCaller(lambda service: Answer(503 if service == "api" and fixture.state.live == BLUE else 200, ""))
    result = fixture.run(goal, caller=caller or worse)
    assert result.exit_code is ExitCode.ROLLED_BACK
    assert told in result.message
    assert result.message.endswith(f"; its logs: {DASHBOARD}")
    state = fixture.state
    assert (state.live, state.live_slot.is_ready, state.autoscaled, state.blue.desired) == (GREEN, True, GREEN, 0)
    assert fixture.cluster.selected == ([] if seen_before_the_switch else [BLUE, GREEN])
    assert state.history[-1].outcome is Outcome.FAILED
    assert told in str(state.history[-1].reason)
    assert [one for one in fixture.events()[-3:] if one != "Switched"][-2:] == ["ReleaseFailed", "RolledBack"]
    assert not fixture.is_locked()


@pytest.mark.parametrize("start_seconds", [10, 180, 1800])
def test_pods_have_the_time_that_their_service_takes_to_start_and_no_less(start_seconds: int) -> None:
    fixture = Fixture(start_seconds=start_seconds)
    before = fixture.clock.now()
    result = fixture.run(Deploy(image("api", demo_images.Fault.NEVER_READY)), limits=replace(LIMITS, ready=None))
    assert result.exit_code is ExitCode.ROLLED_BACK
    waited = (fixture.clock.now() - before).total_seconds()
    assert waited == pytest.approx(start_seconds + BEFORE_START_SECONDS, abs=15)


@pytest.mark.parametrize(
    ("node", "code"), [(NODE_SECONDS - 20, ExitCode.DONE), (NODE_SECONDS + 20, ExitCode.ROLLED_BACK)]
)
def test_pods_that_fit_on_no_node_wait_for_one_and_not_for_ever(node: int, code: ExitCode) -> None:
    fixture = Fixture()
    fixture.cluster.node_seconds = node
    before = fixture.clock.now()
    result = fixture.run(Deploy(SECOND), limits=replace(LIMITS, ready=None))
    assert result.exit_code is code
    assert (fixture.clock.now() - before).total_seconds() == pytest.approx(min(node, NODE_SECONDS), abs=15)
    assert ("Unschedulable: 0/2 nodes are available" in result.message) == (code is ExitCode.ROLLED_BACK)


@pytest.mark.parametrize("goal", [Deploy(SECOND), Rollback()])
def test_no_user_reaches_a_new_version_before_its_pods_have_been_ready_for_their_time(goal: Goal) -> None:
    fixture = Fixture(settings={MIN_READY_SECONDS: "20"})
    if isinstance(goal, Rollback):
        fixture.run(Deploy(SECOND))
        fixture.run(Retire(now=True))
    began = fixture.clock.now()
    ready: list[timedelta] = []

    def report(line: str) -> None:
        if "switching" in line:
            pods = fixture.cluster.list("v1", "Pod", namespace="dev")
            new = [pod for pod in pods if pod["metadata"]["labels"]["slot"] != fixture.state.live]
            since = [datetime.fromisoformat(pod["status"]["conditions"][0]["lastTransitionTime"]) for pod in new]
            ready.extend(fixture.clock.now() - one for one in since)

    assert fixture.run(goal, report=report).exit_code is ExitCode.DONE
    assert len(ready) == 2
    assert (min(ready) >= timedelta(seconds=20)) == isinstance(goal, Deploy)
    assert fixture.clock.now() - began < timedelta(seconds=50)


def test_pods_that_do_not_last_get_no_user_and_are_taken_back() -> None:
    fixture = Fixture(settings={MIN_READY_SECONDS: "20"})

    def report(line: str) -> None:
        if "2 of 2 pods are ready, 2 of them for less than 20 s" in line:
            fixture.cluster.dark.add(SECOND)

    result = fixture.run(Deploy(SECOND), report=report)
    assert (result.exit_code, fixture.cluster.selected) == (ExitCode.ROLLED_BACK, [])


def test_a_second_release_is_refused_or_waits() -> None:
    fixture = Fixture()
    lock = Lock(fixture.cluster, "dev", "api", "another pipeline", fixture.clock)
    assert lock.acquire() is None
    with pytest.raises(ReleaseError, match="is under way, by another pipeline") as caught:
        fixture.run(Deploy(SECOND))
    assert caught.value.exit_code is ExitCode.LOCKED
    assert fixture.run(Deploy(SECOND), limits=replace(LIMITS, lock=90)).exit_code is ExitCode.DONE


def test_what_does_not_pass_ends_the_release_at_once_and_gives_the_lock_back() -> None:
    fixture = Fixture()

    class Forbidding(Faulty):
        def json_patch(self, api_version: str, kind: str, *more: Any, **options: Any) -> KubernetesObject:
            if kind == "Deployment":
                raise KubernetesApiError("no such right", status=401, reason="Unauthorized")
            return super().json_patch(api_version, kind, *more, **options)

    before = fixture.clock.now()
    with pytest.raises(KubernetesApiError, match="no such right"):
        fixture.run(Deploy(SECOND), Forbidding(fixture.cluster))
    assert (fixture.clock.now() - before).total_seconds() < 1
    assert not fixture.is_locked()


def test_admissions_refusal_changes_nothing() -> None:
    fixture = Fixture()
    before = fixture.state

    class Refusing(Faulty):
        def json_patch(self, api_version: str, kind: str, *more: Any, **options: Any) -> KubernetesObject:
            if kind == "Deployment":
                raise KubernetesApiError("admission: not verified", status=422, reason="Invalid")
            return super().json_patch(api_version, kind, *more, **options)

    with pytest.raises(ReleaseError, match="admission: not verified") as caught:
        fixture.run(Deploy(SECOND), Refusing(fixture.cluster))
    assert caught.value.exit_code is ExitCode.REFUSED
    assert replace(fixture.state, now=before.now) == before


def test_nodes_that_follow_a_switch_late_do_not_take_an_exclusive_version_back() -> None:
    """Its Service has no pods before the switch: kube-proxy refuses connections until it has written its rules."""
    fixture = Fixture(exclusive=True)
    switches: list[datetime] = []

    def report(line: str) -> None:
        if "switching" in line:
            switches.append(fixture.clock.now())

    def answer(service: str) -> Answer:
        late = service == "api" and switches and fixture.clock.now() - switches[-1] < timedelta(seconds=1)
        return Answer(None, "connection refused") if late else Answer(200, "ok")

    result = fixture.run(Deploy(SECOND), caller=FakeCaller(answer), report=report)
    assert (result.exit_code, len(switches)) == (ExitCode.DONE, 1), result.message


def bad_once_live(fixture: Fixture) -> FakeCaller:
    """Answers of a version that is good until users reach it."""
    return FakeCaller(lambda _: Answer(200 if fixture.state.live == GREEN else 500, ""))


@pytest.mark.parametrize("goal", [Deploy(SECOND), Rollback(), Switch()])
@pytest.mark.parametrize("goes_back", [False, True])
def test_no_switch_is_told_as_done_before_the_nodes_had_their_time(goal: Goal, goes_back: bool) -> None:
    fixture = Fixture()
    if not isinstance(goal, Deploy):
        fixture.run(Deploy(SECOND))
        fixture.run(Switch())
    caller = bad_once_live(fixture) if goes_back else None
    fixture.run(goal, caller=caller, limits=replace(LIMITS, watch=0.5, settle=7))
    switched = [one for one in fixture.cluster.list("v1", "Event", namespace="dev") if one["reason"] == "Switched"]
    at = max(datetime.fromisoformat(str(one["lastTimestamp"])) for one in switched)
    assert fixture.state.history[-1].finished >= at + timedelta(seconds=7)  # type: ignore[operator]


def test_a_run_after_one_that_died_at_its_switch_gives_the_nodes_their_time_too() -> None:
    fixture, limits = Fixture(), replace(LIMITS, watch=0.5, settle=7, lease=1, lock=2)
    rehearsed = fixture.copy()
    faulty = Faulty(rehearsed.cluster)
    rehearsed.run(Deploy(SECOND), faulty, limits=limits)
    at = faulty.calls.index("patch Service api") + 1
    with pytest.raises(KilledError):
        fixture.run(Deploy(SECOND), Faulty(fixture.cluster, at=at, fault="killed"), limits=limits)
    assert fixture.state.live == BLUE
    began = fixture.clock.now()
    fixture.run(Deploy(SECOND), limits=limits)
    assert fixture.state.history[-1].finished >= began + timedelta(seconds=7)  # type: ignore[operator]


def test_an_image_is_kept_in_its_registry_before_it_comes_in_or_does_not_come_in() -> None:
    fixture = Fixture()
    before = fixture.state
    kept: list[str] = []

    def keep(state: ServiceState, image: str) -> None:
        assert state.blue.revision is None
        kept.append(image)
        if len(kept) == 1:
            raise ReleaseError("the registry has no such image", remedy="push it")

    with pytest.raises(ReleaseError, match="the registry has no such image"):
        fixture.run(Deploy(SECOND), keep_image=keep)
    assert replace(fixture.state, now=before.now) == before
    assert fixture.run(Deploy(SECOND), keep_image=keep).exit_code is ExitCode.DONE
    assert kept == [SECOND, SECOND]


@pytest.mark.parametrize("killed", [False, True])
def test_a_slot_has_no_field_that_the_pod_template_dropped(killed: bool) -> None:
    """Such as a Secret; and a port that changed is not added to the one before, which the API server would refuse."""
    fixture = Fixture(configuration="api-0000000001")
    found = fixture.cluster.get("v1", "PodTemplate", "api", "dev")
    assert found is not None
    container = found["template"]["spec"]["containers"][0]
    assert container.pop("envFrom")
    container["ports"][0]["containerPort"] = 9000
    change = [{"op": "replace", "path": "/template", "value": found["template"]}]
    fixture.cluster.json_patch("v1", "PodTemplate", "api", change, namespace="dev")
    if killed:
        with pytest.raises(KilledError):
            fixture.run(Deploy(SECOND), Faulty(fixture.cluster, at="patch Deployment", fault="killed"))
        fixture.clock.sleep(61)
    assert fixture.run(Deploy(SECOND)).exit_code is ExitCode.DONE
    slot = fixture.cluster.get("apps/v1", "Deployment", "api-blue", "dev") or {}
    (made,) = slot["spec"]["template"]["spec"]["containers"]
    assert "envFrom" not in made
    assert made["ports"] == container["ports"]
    assert fixture.state.live_slot.configuration == ()
    assert not fixture.state.has_drifted


def test_a_slot_that_somebody_changed_since_the_look_is_not_overwritten() -> None:
    fixture = Fixture()
    state = fixture.state
    scale = [{"op": "replace", "path": "/spec/replicas", "value": 1}]
    fixture.cluster.json_patch("apps/v1", "Deployment", "api-blue", scale, namespace="dev")
    with pytest.raises(LostRaceError, match="Deployment api-blue: /metadata/resourceVersion is no longer"):
        changes.apply(fixture.cluster, state, ApplyTemplate(BLUE, SECOND, 2))
    assert fixture.state.blue.revision is None


def test_retire_takes_the_warm_slots_pods_after_its_time() -> None:
    fixture = Fixture()
    fixture.run(Deploy(SECOND))
    with pytest.raises(ReleaseError, match="stays warm until"):
        fixture.run(Retire())
    fixture.clock.sleep(LIMITS.warm)
    assert fixture.run(Retire()).exit_code is ExitCode.DONE
    assert (fixture.state.green.desired, fixture.state.live_slot.is_ready) == (0, True)


def test_the_end_of_a_release_says_where_open_connections_stay_and_until_when() -> None:
    fixture = Fixture(released=False)
    assert fixture.run(Deploy(FIRST)).connections is None, "there was nothing before"
    until = fixture.run(Deploy(SECOND)).connections
    assert until is not None
    warm = fixture.state.history[-1].finished + timedelta(seconds=LIMITS.warm)  # type: ignore[operator]
    assert (until.slot, until.until) == (GREEN, warm)
    assert str(until).endswith(f"stay with slot green: its pods are kept until {warm:%Y-%m-%d %H:%M:%S} UTC")


@pytest.mark.parametrize("keep", [False, True])
def test_a_rollback_takes_open_connections_away_from_the_slot_that_it_left_after_the_nodes_followed(keep: bool) -> None:
    fixture = Fixture()
    fixture.run(Deploy(SECOND))
    began = fixture.clock.now()
    result = fixture.run(Rollback(keep_failed=keep), limits=replace(LIMITS, settle=7))
    assert (result.exit_code, fixture.state.live) == (ExitCode.DONE, GREEN)
    assert fixture.state.blue.desired == (2 if keep else 0)
    assert fixture.clock.now() - began >= timedelta(seconds=7)
    assert (result.connections is not None) == keep
    assert fixture.lines.count("Slot blue: taking its 2 pods away") == (not keep)


def test_pods_that_get_ready_one_after_the_other_are_looked_at_together() -> None:
    """A look costs requests whose answers grow with the pods: with a look a pod the cost grows with their square."""
    fixture = Fixture(replicas=60)
    fixture.cluster.stagger_seconds = 0.25
    faulty = Faulty(fixture.cluster)
    assert fixture.run(Deploy(SECOND), faulty).exit_code is ExitCode.DONE
    looks = sum(call.startswith("get PodTemplate") for call in faulty.calls)
    assert looks < 40, "15 s of pods that get ready, one look a second, and the other steps"


def test_pods_that_are_all_there_and_ready_by_their_deployment_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    fixture, asked = Fixture(), list[str]()
    answer = fixture.cluster.list

    def recording(api_version: str, kind: str, **options: Any) -> list[KubernetesObject]:
        if kind == "Pod":
            asked.append(options["label_selector"])
        return answer(api_version, kind, **options)

    monkeypatch.setattr(fixture.cluster, "list", recording)
    fixture.run(Deploy(SECOND))
    looks = sum(name == "get PodTemplate api" for name in calls_of(Deploy(SECOND)))
    assert {one.rpartition(",")[2] for one in asked} == {"slot notin (green)"}, "users' pods never"
    assert 1 < len(asked) < looks / 2
    monkeypatch.undo()
    whole = fixture.state
    seen = observe(fixture.cluster, "dev", "api", now=fixture.clock.now(), every_pod=False)
    slots = {name: replace(whole.slot(name), members=()) for name in (BLUE, GREEN)}
    assert seen == replace(whole, **slots), "and the state is the same"  # type: ignore[arg-type]


@pytest.mark.parametrize("goal", [Deploy(SECOND), Switch()])
def test_pods_that_are_not_ready_any_more_after_the_switch_are_left_within_seconds(goal: Goal) -> None:
    fixture = Fixture()
    if isinstance(goal, Switch):
        fixture.run(Deploy(SECOND))
        fixture.run(Switch())
    fixture.cluster.fading = SECOND
    result = fixture.run(goal, limits=replace(LIMITS, ready=None))
    assert (fixture.state.live, fixture.state.live_slot.is_ready) == (GREEN, True), result.message
    assert result.exit_code is ExitCode.ROLLED_BACK
    assert fixture.cluster.longest_outage <= LIMITS.outage + 3


@pytest.mark.parametrize(
    "dies_at", ["patch Deployment", "patch Service", "never"], ids=["emptied", "switched", "never"]
)
def test_who_was_stalled_beyond_its_lock_takes_no_user_to_a_slot_that_another_run_empties(dies_at: str) -> None:
    """Stalled before each of its changes, and another run takes the lock over; it ends, or dies in the middle."""
    third = image("api")
    ready = Fixture()
    names = [name for name in enumerate(calls_of(Deploy(SECOND)), start=1) if name[1].startswith(("patch", "apply"))]
    for number, name in names:
        fixture = ready.copy()

        def take_over(fixture: Fixture = fixture) -> None:
            fixture.clock.sleep(61)
            with suppress(KilledError):
                # Its first request to a Deployment is a dry run, its second empties the slot.
                at = 10_000 if dies_at == "never" else dies_at
                fixture.run(Deploy(third), Faulty(fixture.cluster, at=at, nth=2, fault="killed"), run="other")

        stalled = Faulty(fixture.cluster, at=number, fault="stalled", meanwhile=take_over)
        with suppress(ReleaseError):
            fixture.run(Deploy(SECOND), stalled)
        fixture.clock.sleep(30)
        assert fixture.cluster.longest_outage <= LIMITS.outage + 3, name
        assert fixture.state.live_slot.serves(), name


def test_who_has_lost_its_lock_since_it_looked_changes_nothing_that_serves() -> None:
    """Stalled at the end of each of its looks, while another run takes the lock over, and fails."""
    third, ready = image("api", demo_images.Fault.NEVER_READY), Fixture()
    ends = [one for one in enumerate(calls_of(Deploy(SECOND)), start=1) if one[1] == "get ConfigMap api-releases"]
    for number, _ in ends:
        fixture = ready.copy()

        def take_over(fixture: Fixture = fixture) -> None:
            fixture.clock.sleep(61)
            fixture.run(Deploy(third), run="other")

        stalled = Faulty(fixture.cluster, at=number, fault="late answer", meanwhile=take_over)
        with suppress(ReleaseError):
            fixture.run(Deploy(SECOND), stalled)
        changes_users_see = ("patch Deployment", "patch Service", "patch HorizontalPodAutoscaler")
        changed = [call for call in stalled.calls[number:] if call.startswith(changes_users_see)]
        assert all(call.endswith("dry run") for call in changed), f"after {number} calls: {changed}"


@pytest.mark.parametrize("skew", [timedelta(hours=-2), timedelta(hours=2)])
def test_a_lock_is_held_by_whoever_renews_it_however_wrong_the_clocks_are(skew: timedelta) -> None:
    fixture = Fixture()
    mine = Lock(fixture.cluster, "dev", "api", "another pipeline", fixture.clock)
    assert mine.acquire() is None
    fixture.clock.skew = skew
    other = Lock(fixture.cluster, "dev", "api", "other", fixture.clock)
    for _ in range(5):
        assert other.acquire() is not None
        fixture.clock.sleep(30)
        mine.check()
    fixture.clock.sleep(1)
    assert other.acquire() is not None, "renewed just now"
    fixture.clock.sleep(61)
    assert other.acquire() is None


@pytest.mark.parametrize("renewed", [None, "2026-01-01T02:00:00.000000Z", "soon"])
def test_a_lock_from_no_time_is_taken_over_when_it_shows_no_sign_of_life(renewed: str | None) -> None:
    fixture = Fixture()
    Lock(fixture.cluster, "dev", "api", "dead", fixture.clock).acquire()
    change = [{"op": "replace", "path": "/spec/renewTime", "value": renewed}]
    fixture.cluster.json_patch("coordination.k8s.io/v1", "Lease", "api-release", change, namespace="dev")
    assert fixture.run(Deploy(SECOND)).exit_code is ExitCode.DONE


def test_a_first_release_that_fails_its_watch_is_told_as_live_and_tried_again() -> None:
    fixture = Fixture(released=False)
    bad = FakeCaller(lambda service: Answer(500 if service == "api" else 200, ""))
    for _ in range(2):
        result = fixture.run(Deploy(FIRST), caller=bad)
        assert (result.exit_code, fixture.state.live) == (ExitCode.BAD_LIVE, GREEN), result.message
        assert fixture.state.live_failed
    assert fixture.run(Deploy(FIRST)).exit_code is ExitCode.DONE
    assert not fixture.state.live_failed


def test_a_rollback_that_fails_says_that_what_it_was_to_leave_is_live() -> None:
    fixture = Fixture()
    fixture.run(Deploy(SECOND))
    fixture.run(Retire(now=True))
    fixture.cluster.node_seconds = 10_000
    result = fixture.run(Rollback())
    assert (result.exit_code, fixture.state.live) == (ExitCode.BAD_LIVE, BLUE), result.message
    assert fixture.state.live_slot.is_ready
    assert fixture.state.green.desired, "the way back is not taken away"


def test_what_nothing_needs_is_removed_under_the_lock_and_after_a_success_only() -> None:
    """Else another run, which waited for the lock, may need what an older look found needless."""
    fixture = Fixture()
    locked: list[bool] = []

    def clean_up() -> None:
        locked.append(fixture.is_locked())

    fixture.run(Deploy(image("api", demo_images.Fault.NEVER_READY)), clean_up=clean_up)
    assert locked == []
    fixture.run(Retire(now=True), clean_up=clean_up)
    assert locked == [True]
