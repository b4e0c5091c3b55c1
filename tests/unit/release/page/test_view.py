"""What the page shows of a service, whatever state it is in."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from contract.blue_green import BLUE, GREEN
from release.history import Action, Outcome
from release.lock import Holder
from release.messages import named
from release.page.view import (
    PHASES,
    WEIGHTS,
    Condition,
    Look,
    ProblemView,
    ServiceView,
    announcements,
    environment_view,
    service_view,
    version,
)
from release.state import ServiceState, Trouble
from release.status import ServiceStatus, Unreadable
from tests.unit.release.model import NOW, entry, revision, service_state, slot

OLD, NEW = revision("good", 1, "before"), revision("good", 2)
HOLDER = Holder("system:serviceaccount:delivery:hello-release/1a2b", NOW, 60)
RELEASED = service_state(
    slot(BLUE, OLD, 2), slot(GREEN, NEW, 2), live=GREEN, history=(entry(GREEN, NEW, previous=OLD),)
)
BEGUN = entry(BLUE, NEW, previous=OLD, outcome=Outcome.RUNNING)


def shown(state: ServiceState, holder: Holder | None = None) -> ServiceView:
    return service_view(ServiceStatus(state, holder))


def look(service: ServiceView, **more: Any) -> Look:
    return Look(environments=(replace(environment_view("dev", []), services=(service,)),), read=NOW, **more)


def test_a_service_is_shown_with_both_slots_who_released_and_how_long_the_way_back_is_warm() -> None:
    found = shown(RELEASED)
    assert (found.condition, found.live, found.running, found.problems) == (Condition.SERVING, GREEN, None, ())
    assert [(one.name, one.role, one.ready, one.desired) for one in found.slots] == [
        (BLUE, "warm", 2, 2),
        (GREEN, "live", 2, 2),
    ]
    image = found.slots[1].image
    assert image is not None
    assert (image.short, image.full) == (named(NEW.image, None), NEW.image)
    told = shown(replace(RELEASED, history=(replace(RELEASED.history[0], version="v7"),))).slots[1].image
    assert told is not None
    assert told.short.startswith("v7 (")
    assert found.slots[1].since == NOW - timedelta(minutes=1)
    assert found.warm_until == NOW + timedelta(minutes=9)
    assert [(one.who, one.outcome) for one in found.history] == [("tester", Outcome.RELEASED)]


def test_two_looks_at_an_unchanged_service_are_equal_however_late() -> None:
    later = replace(RELEASED, now=NOW + timedelta(seconds=30))
    assert shown(later) == shown(RELEASED)
    assert version(shown(later)) == version(shown(RELEASED))
    assert version(shown(replace(RELEASED, green=slot(GREEN, NEW, 2, 1)))) != version(shown(RELEASED))


def test_weights_are_shown_where_the_service_has_some() -> None:
    assert [one.weight for one in shown(RELEASED).slots] == [None, None]

    weighted = replace(RELEASED, weights={BLUE: 95, GREEN: 5})
    assert [one.weight for one in shown(weighted).slots] == [95, 5]
    followed = replace(RELEASED, weights={BLUE: 0, GREEN: 0})
    assert [one.weight for one in shown(followed).slots if one.name == RELEASED.live] == [100]


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        (service_state(slot(BLUE), slot(GREEN, OLD, 2), live=GREEN, history=(BEGUN,)), "bring in"),
        (service_state(slot(BLUE, NEW, 2, 1), slot(GREEN, OLD, 2), live=GREEN, history=(BEGUN,)), "wait for pods"),
        (service_state(slot(BLUE, NEW, 2), slot(GREEN, OLD, 2), live=GREEN, history=(BEGUN,)), "smoke test"),
        (service_state(slot(BLUE, NEW, 2), slot(GREEN, OLD, 2), live=BLUE, history=(BEGUN,)), "watch"),
    ],
)
def test_a_running_release_is_shown_at_its_phase_with_its_step(state: ServiceState, phase: str) -> None:
    found = shown(state, HOLDER)
    assert found.running is not None
    assert (found.running.phases[found.running.phase], found.running.is_manned) == (phase, True)
    assert found.running.phases == tuple(one for one in PHASES if one != WEIGHTS)
    assert found.running.step
    assert found.condition is Condition.RELEASING


def test_a_canary_is_shown_at_its_weights_with_the_share_of_the_requests() -> None:
    began = replace(BEGUN, canary=(10, 50))
    state = service_state(slot(BLUE, NEW, 2), slot(GREEN, OLD, 2), live=GREEN, history=(began,))
    found = shown(replace(state, weights={BLUE: 10, GREEN: 90}), HOLDER)
    assert found.running is not None
    assert found.running.phases == PHASES
    assert found.running.phases[found.running.phase] == WEIGHTS
    assert found.running.step == "10 % of the load balancer's requests reach it"
    before = shown(replace(state, weights={BLUE: 0, GREEN: 100}), HOLDER).running
    assert before is not None
    assert before.phases[before.phase] == "smoke test"


def test_a_release_that_nobody_is_at_work_on_is_a_problem() -> None:
    found = shown(service_state(slot(BLUE, NEW, 2, 1), slot(GREEN, OLD, 2), live=GREEN, history=(BEGUN,)))
    assert found.running is not None
    assert not found.running.is_manned
    assert found.condition is Condition.ATTENTION
    assert "nobody is at work on it" in found.problems[-1].text


def test_what_is_wrong_is_shown_with_the_command_that_mends_it() -> None:
    drifted = shown(replace(RELEASED, template="newer"))
    assert drifted.condition is Condition.ATTENTION
    assert "template drift" in drifted.problems[0].text
    assert drifted.problems[0].command == f"python -m release deploy dev api --image {NEW.image}"
    forgotten = shown(replace(RELEASED, autoscaled=BLUE))
    assert forgotten.problems[0].command == "python -m release repair dev api"
    gone = shown(replace(RELEASED, missing=("Deployment api-blue",)))
    assert (gone.problems[0].command, gone.problems[0].remedy) == (None, "pulumi refresh, pulumi up")
    trouble = Trouble("CrashLoopBackOff", "again")
    down = shown(replace(RELEASED, blue=slot(BLUE), green=slot(GREEN, NEW, 2, 0, troubles=(trouble,))))
    assert (down.condition, down.slots[1].troubles) == (Condition.DOWN, ("CrashLoopBackOff: again",))
    unknown = service_view(Unreadable("dev", "api", "Service api is not in dev"))
    assert (unknown.condition, unknown.problems) == (
        Condition.UNKNOWN,
        (ProblemView(text="Service api is not in dev"),),
    )
    assert shown(service_state(slot(BLUE), slot(GREEN))).condition is Condition.EMPTY


def test_an_environment_has_its_hosts_its_logs_and_the_newest_release_first() -> None:
    released = replace(
        RELEASED,
        dashboard="https://log.example.com/dev",
        history=(*RELEASED.history, entry(GREEN, NEW, previous=OLD, action=Action.ROLLBACK)),
    )
    ingress = {
        "spec": {"ingressClassName": "staff", "rules": [{"host": "test.example.com"}]},
        "status": {"loadBalancer": {"ingress": [{"hostname": "k8s-staff.elb.amazonaws.com"}]}},
    }
    found = environment_view("dev", [ServiceStatus(released, None)], [ingress, {"spec": {"rules": [{"host": "new"}]}}])
    assert found.dashboard == "https://log.example.com/dev"
    assert [(one.host, one.load_balancer, one.address) for one in found.doors] == [
        ("test.example.com", "staff", "k8s-staff.elb.amazonaws.com"),
        ("new", "", ""),
    ]
    assert [one.action for one in found.services[0].history] == ["rollback", "deploy"]
    assert found.counts == ((Condition.SERVING, 1),)


@pytest.mark.parametrize(
    ("url", "is_shown"),
    [
        ("https://jenkins.example.com/7", True),
        ("http://jenkins/7", True),
        ("javascript:alert(1)", False),
        ("https://user:password@jenkins.example.com/7", False),
        ("data:text/html,hello", False),
        (None, False),
    ],
)
def test_a_browser_is_sent_to_web_addresses_without_a_login_only(url: str | None, *, is_shown: bool) -> None:
    (release,) = shown(replace(RELEASED, history=(replace(RELEASED.history[0], build=url),))).history
    assert release.build == (url if is_shown else None)


def test_what_happened_is_told_in_sentences_and_nothing_else_is() -> None:
    before = look(shown(RELEASED))
    assert announcements(before, look(shown(replace(RELEASED, now=NOW + timedelta(hours=1))))) == []
    began = look(shown(replace(RELEASED, history=(*RELEASED.history, BEGUN)), HOLDER))
    assert announcements(before, began) == ["api in dev: tester began a deploy."]
    failed = replace(BEGUN, outcome=Outcome.FAILED, finished=NOW)
    ended = look(shown(replace(RELEASED, history=(*RELEASED.history, failed))))
    assert announcements(began, ended) == ["api in dev: the deploy failed."]
    switched = look(shown(replace(RELEASED, live=BLUE, autoscaled=BLUE, preview=GREEN)))
    assert announcements(before, switched)[0] == "api in dev: slot blue is live."
    down = look(shown(replace(RELEASED, blue=slot(BLUE), green=slot(GREEN, NEW, 2, 0))))
    assert announcements(before, down) == ["api in dev: down."]
    error = ProblemView(text="no answer")
    assert announcements(before, replace(before, error=error)) == ["The cluster cannot be read: no answer"]
    assert announcements(replace(before, error=error), before) == ["The cluster can be read again."]


def test_a_look_is_json_with_times_in_iso_8601() -> None:
    found = json.loads(look(shown(RELEASED)).to_json())
    assert found["read"] == NOW.isoformat()
    service = found["environments"][0]["services"][0]
    assert (service["condition"], service["live"]) == ("serving", GREEN)
    assert service["history"][0]["outcome"] == "released"
