"""A release waits for a person where it was told to; the reconciler leaves it alone, but for users who wait."""

from __future__ import annotations

import itertools
import json

import pytest

from contract.blue_green import BLUE, GREEN
from release.commands import decisions
from release.errors import ExitCode
from release.goals import Deploy, Resume, Rollback
from release.history import Entry, Outcome
from release.pauses import BEFORE_SWITCH
from release.session import Options, Session
from release.state import Canary
from release.steps import Decide, Done, Pause, Refusal, Scale, SetWeights, SmokeTestSlot, SwitchActive
from release.weights import shares
from tests.unit.release.fake_cluster import FakeCaller, FakeCluster
from tests.unit.release.faults import Faulty, KilledError
from tests.unit.release.model import revision, service_state, slot
from tests.unit.release.test_plan import follow
from tests.unit.release.test_reconciler import Actor, end
from tests.unit.release.test_run import FIRST, SECOND, Fixture
from tests.unit.release.test_states import Reviewed

OLD, NEW = revision("good", 1), revision("good", 2)
PAUSED = Deploy(SECOND, pauses=(BEFORE_SWITCH,))


@pytest.fixture(scope="module")
def paused() -> Fixture:
    """A service with a release that waits."""
    fixture = Fixture()
    assert fixture.run(PAUSED).exit_code is ExitCode.PAUSED
    return fixture


def test_the_plan_waits_after_the_smoke_test_and_goes_on_from_there() -> None:
    start = service_state(slot(BLUE, OLD, 3), slot(GREEN))
    waiting, steps, end_of_command = follow(start, Deploy(NEW.image), pauses=(BEFORE_SWITCH,))
    assert isinstance(end_of_command, Done)
    assert [type(step) for step in steps[-2:]] == [SmokeTestSlot, Pause]
    assert (waiting.state.live, waiting.state.history[-1].paused) == (BLUE, BEFORE_SWITCH)
    release = waiting.state.history[-1].id
    for nobody in (Resume(release), Deploy(NEW.image)):
        assert follow(waiting.state, nobody)[1] == []
    resumed, steps, _ = follow(waiting.state, Resume(release, by="ada"), pauses=(BEFORE_SWITCH,))
    assert steps[0] == Decide("ada", None)
    assert SwitchActive(GREEN) in steps
    assert not any(isinstance(step, Pause) for step in steps)
    assert (resumed.state.live, resumed.state.history[-1].outcome) == (GREEN, Outcome.RELEASED)
    aborted, steps, _ = follow(waiting.state, Resume(release, "aborted", by="ada"))
    assert not any(isinstance(step, SwitchActive) for step in steps)
    last = aborted.state.history[-1]
    assert (aborted.state.live, aborted.state.green.desired, last.outcome) == (BLUE, 0, Outcome.FAILED)


def test_who_waits_before_the_switch_has_few_pods_and_all_once_it_goes_on() -> None:
    start = service_state(slot(BLUE, OLD, 3), slot(GREEN), preview_replicas=1)
    waiting, _, _ = follow(start, Deploy(NEW.image), pauses=(BEFORE_SWITCH,))
    assert waiting.state.green.desired == 1
    release = waiting.state.history[-1].id
    resumed, steps, _ = follow(waiting.state, Resume(release, by="ada"), pauses=(BEFORE_SWITCH,))
    shown = [step for step in steps if isinstance(step, SmokeTestSlot | Scale | SwitchActive)]
    assert shown == [SmokeTestSlot(GREEN), Scale(GREEN, 3), SwitchActive(GREEN)]
    assert resumed.state.live_slot.ready == 3


def test_a_canary_waits_at_a_weight_and_goes_on_from_it() -> None:
    start = service_state(slot(BLUE, OLD, 3), slot(GREEN), weights=shares(BLUE, 100), canary=Canary((10, 50), 1))
    waiting, steps, _ = follow(start, Deploy(NEW.image, pauses=("10",)), pauses=("10",))
    assert steps[-1] == Pause("10")
    assert (waiting.state.live, waiting.state.weights) == (BLUE, shares(GREEN, 10))
    release = waiting.state.history[-1].id
    resumed, steps, _ = follow(waiting.state, Resume(release, by="ada"))
    assert SetWeights(GREEN, 50) in steps
    assert SetWeights(GREEN, 10) not in steps
    assert (resumed.state.live, resumed.state.weights) == (GREEN, shares(GREEN, 100))
    _, steps, _ = follow(waiting.state, Resume(release, "aborted", by="ada"))
    assert steps[0] == SetWeights(BLUE, 100)
    refused = follow(start, Deploy(NEW.image, pauses=("20",)))[2]
    assert isinstance(refused, Refusal)
    assert "before-switch, 10, 50" in refused.remedy


def test_a_release_that_waits_gives_the_lock_back_and_says_where_it_waits(paused: Fixture) -> None:
    fixture = paused.copy()
    state = fixture.state
    assert (state.live, state.idle_slot.is_ready) == (GREEN, True)
    assert state.running is not None
    assert (state.running.paused, state.running.to_json()["paused"]) == (BEFORE_SWITCH, BEFORE_SWITCH)
    assert not fixture.is_locked()
    assert fixture.events()[-1] == "Paused"


def test_the_same_command_again_waits_again_and_another_one_takes_its_place(paused: Fixture) -> None:
    fixture = paused.copy()
    assert fixture.run(PAUSED).exit_code is ExitCode.PAUSED
    assert len(fixture.state.history) == 2
    assert fixture.run(Deploy(FIRST)).exit_code is ExitCode.DONE
    assert fixture.state.live_slot.revision is not None
    assert fixture.state.live_slot.revision.image == FIRST


def session_of(fixture: Fixture, monkeypatch: pytest.MonkeyPatch) -> Session:
    fixture.cluster.__class__ = Reviewed

    def connect(*_: object, **__: object) -> FakeCluster:
        return fixture.cluster

    monkeypatch.setattr("release.session.KubernetesApi", connect)
    return Session(Options(as_json=True), fixture.clock)


@pytest.mark.parametrize("resumes", [True, False])
def test_who_decided_is_recorded(
    resumes: bool, paused: Fixture, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fixture = paused.copy()
    session = session_of(fixture, monkeypatch)
    monkeypatch.setattr(session, "caller", FakeCaller)
    session.options = Options(as_json=True, image_tags=False)
    if resumes:
        assert decisions.resume(session, "dev", "api") is ExitCode.DONE
    else:
        assert decisions.abort(session, "dev", "api", reason="blank page") is ExitCode.DONE
    last = fixture.state.history[-1]
    assert [(one.by, one.pause) for one in last.decisions] == [("tester", BEFORE_SWITCH)]
    assert (fixture.state.live, last.paused) == (BLUE if resumes else GREEN, None)
    assert last.outcome is (Outcome.RELEASED if resumes else Outcome.FAILED)
    if not resumes:
        assert last.reason == "aborted: blank page (by tester)"
        assert fixture.state.idle_slot.desired == 0
    assert Entry.from_json(json.loads(json.dumps(last.to_json()))) == last
    capsys.readouterr()
    decisions.resume(session, "dev", "api")
    assert json.loads(capsys.readouterr().out)[0]["outcome"] == "refused"


def test_the_reconciler_leaves_a_release_that_waits_alone(paused: Fixture) -> None:
    fixture = paused.copy()
    end(fixture, Actor(fixture))
    assert fixture.state.running is not None
    assert fixture.state.live == GREEN


def test_but_it_rescues_users() -> None:
    fixture = Fixture()
    fixture.run(Deploy(SECOND))
    fixture.run(Deploy(FIRST, pauses=(BEFORE_SWITCH,)))  # which served before
    assert (fixture.state.live, fixture.state.history[-1].paused) == (BLUE, BEFORE_SWITCH)
    fixture.cluster.fading = SECOND
    end(fixture, Actor(fixture))
    state = fixture.state
    assert (state.live, state.history[-1].action, state.running) == (GREEN, "rollback", None)


@pytest.mark.parametrize("failure", [None, "aborted"])
def test_a_person_whose_command_dies_anywhere_has_decided_all_the_same(paused: Fixture, failure: str | None) -> None:
    decided = 0
    for number in itertools.count(1, 3):
        fixture = paused.copy()
        assert fixture.state.running is not None
        goal = Resume(fixture.state.running.id, failure, "ada")
        try:
            fixture.run(goal, Faulty(fixture.cluster, at=number, fault="killed"))
        except KilledError:
            pass
        else:
            break
        is_undecided = fixture.state.history[-1].paused is not None
        end(fixture, Actor(fixture))
        if is_undecided:
            assert fixture.state.history[-1].paused == BEFORE_SWITCH
        else:
            decided += 1
            assert fixture.state.running is None
            assert fixture.state.live == (GREEN if failure else BLUE), number
    assert decided > 3


def test_a_rollback_that_is_gone_on_with_keeps_what_it_was_told_to_keep() -> None:
    fixture = Fixture()
    fixture.run(Deploy(SECOND))
    with pytest.raises(KilledError):
        fixture.run(Rollback(keep_failed=True), Faulty(fixture.cluster, at="patch Service api", fault="killed"))
    end(fixture, Actor(fixture))
    assert (fixture.state.history[-1].outcome, fixture.state.live) == (Outcome.RELEASED, GREEN)
    assert fixture.state.history[-1].keep_failed
    assert fixture.state.idle_slot.desired > 0
