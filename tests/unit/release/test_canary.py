"""A release by weight in the tool: what the Ingress gets, what is watched, and what is read of the load balancer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from contract.blue_green import BLUE, FORWARD_ACTION, GREEN, forward_action
from release import forward
from release.context import Limits
from release.duties import Circumstances, Policy, due
from release.errors import ExitCode, ReleaseError
from release.goals import Deploy, Retire, Rollback, Route
from release.history import Outcome
from release.http import Answer
from release.rules import weights_in_effect
from release.state import ForwardAction, ServiceState
from tests.unit.release.fake_cluster import FakeCaller
from tests.unit.release.faults import Faulty, KilledError
from tests.unit.release.test_run import SECOND, Fixture

STEPS = (10, 50)


def weights_of(fixture: Fixture) -> list[str]:
    return [line for line in fixture.lines if line.startswith("Load balancer: ")]


def action(fixture: Fixture) -> dict[str, Any]:
    ingress = fixture.cluster.get("networking.k8s.io/v1", "Ingress", "api", "dev") or {}
    return json.loads(ingress["metadata"]["annotations"][f"{FORWARD_ACTION}api"])


def test_the_ingress_gets_the_weights_of_each_step_and_keeps_everything_else() -> None:
    fixture = Fixture(canary=STEPS)
    fixture.lines.clear()
    assert fixture.run(Deploy(SECOND)).exit_code is ExitCode.DONE
    assert weights_of(fixture) == [f"Load balancer: {share} % of the requests to slot blue" for share in (10, 50, 100)]
    seed = json.loads(forward_action("api"))
    for group, weight in zip(seed["forwardConfig"]["targetGroups"], (0, 100, 0), strict=True):
        group["weight"] = weight
    assert action(fixture) == seed
    entry = fixture.state.history[-1]
    assert (entry.canary, entry.step_seconds, entry.outcome) == (STEPS, 1, Outcome.RELEASED)
    assert fixture.events().count("Weighted") == 1 + 3, "and one of the first release"


def test_each_weight_lasts_as_long_as_the_command_says() -> None:
    fixture = Fixture(canary=STEPS)
    before = fixture.clock.now()
    fixture.run(Deploy(SECOND, canary=(20, 40, 60), step_seconds=100))
    assert 300 <= (fixture.clock.now() - before).total_seconds() < 330
    assert fixture.state.history[-1].canary == (20, 40, 60)


@pytest.mark.parametrize("share", STEPS)
def test_a_version_that_answers_worse_at_a_weight_is_taken_back_at_once(share: int) -> None:
    fixture = Fixture(canary=STEPS)
    caller = FakeCaller(
        lambda service: Answer(
            500 if service == "api-preview" and (fixture.state.weights or {})[BLUE] == share else 200, ""
        )
    )
    result = fixture.run(Deploy(SECOND), caller=caller)
    assert result.exit_code is ExitCode.ROLLED_BACK
    assert f"worse at {share} %" in result.message
    assert fixture.cluster.selected == []
    state = fixture.state
    assert (state.weights, state.blue.desired, state.history[-1].outcome) == ({BLUE: 0, GREEN: 100}, 0, Outcome.FAILED)


def test_a_version_that_loses_its_pods_at_a_weight_is_left_within_seconds() -> None:
    fixture = Fixture(canary=STEPS)

    class Fading(FakeCaller):
        def get(self, *more: Any, **options: Any) -> Answer:
            if (fixture.state.weights or {}).get(BLUE):
                fixture.cluster.dark.add(SECOND)
            return super().get(*more, **options)

    before = fixture.clock.now()
    result = fixture.run(Deploy(SECOND, step_seconds=600), caller=Fading())
    assert result.exit_code is ExitCode.ROLLED_BACK
    assert (fixture.clock.now() - before).total_seconds() < 60
    assert fixture.state.weights == {BLUE: 0, GREEN: 100}


def test_a_rollback_takes_a_canary_back_whose_run_has_died() -> None:
    fixture = Fixture(canary=STEPS)
    with pytest.raises(KilledError):
        fixture.run(Deploy(SECOND), Faulty(fixture.cluster, at="patch Ingress", fault="killed"))
    assert fixture.state.weights == {BLUE: 10, GREEN: 90}
    fixture.clock.sleep(61)
    result = fixture.run(Rollback())
    assert (result.exit_code, result.message.partition(";")[0]) == (ExitCode.DONE, "the canary was taken back")
    state = fixture.state
    assert (state.weights, state.live, state.blue.desired) == ({BLUE: 0, GREEN: 100}, GREEN, 0)
    assert state.history[-1].reason == "taken back by tester"


def test_a_slot_that_lost_its_weight_is_emptied_once_the_load_balancers_nodes_have_followed() -> None:
    """They go on by the old rules for seconds after these were changed: its pods answer meanwhile."""
    fixture, moved = Fixture(canary=STEPS), list[datetime]()

    def rules(state: ServiceState) -> Mapping[str, int] | None:
        moved.append(fixture.clock.now())
        return state.weights

    def answer(service: str) -> Answer:
        return Answer(500 if service == "api-preview" and (fixture.state.weights or {})[BLUE] else 200, "")

    result = fixture.run(Deploy(SECOND), caller=FakeCaller(answer), weights=rules, limits=Limits())
    assert result.exit_code is ExitCode.ROLLED_BACK
    assert fixture.state.blue.desired == 0
    assert fixture.clock.now() - moved[-1] >= timedelta(seconds=Limits().rules)


def test_a_slot_that_has_long_lost_its_weight_is_retired_at_once() -> None:
    fixture = Fixture(canary=STEPS)
    fixture.run(Deploy(SECOND))
    began = fixture.clock.now()
    fixture.run(Retire(now=True), limits=Limits())
    assert fixture.state.green.desired == 0
    assert fixture.clock.now() - began < timedelta(seconds=10)


def never(_: ServiceState) -> Mapping[str, int] | None:
    return None


def unreadable(_: ServiceState) -> Mapping[str, int] | None:
    raise ReleaseError("ELBv2 does not tell the rules", remedy="allow it")


def test_rules_that_do_not_follow_fail_a_release_and_empty_no_slot() -> None:
    fixture = Fixture(canary=STEPS)
    result = fixture.run(Deploy(SECOND), weights=never)
    assert result.exit_code is ExitCode.ROLLED_BACK
    assert "rules do not give 10 % of the requests to slot blue yet, after 60 s" in result.message
    state = fixture.state
    assert (state.weights, state.live, state.blue.desired) == ({BLUE: 0, GREEN: 100}, GREEN, 2)
    fixture.run(Deploy(SECOND))
    result = fixture.run(Rollback(), weights=unreadable)
    assert (result.exit_code, fixture.state.live, fixture.state.blue.desired) == (ExitCode.DONE, GREEN, 2)
    assert any("allow it" in line for line in fixture.lines)


def test_who_may_not_read_the_rules_brings_no_users_to_a_new_version() -> None:
    fixture = Fixture(canary=STEPS)
    before = fixture.state
    with pytest.raises(ReleaseError, match="does not tell the rules"):
        fixture.run(Deploy(SECOND), weights=unreadable)
    assert (fixture.state.blue, fixture.state.weights) == (before.blue, before.weights)


def test_weights_that_nobody_is_at_work_on_are_the_reconcilers() -> None:
    fixture = Fixture(canary=STEPS)
    fixture.run(Deploy(SECOND))
    text = forward.with_weights(forward_action("api"), "api", {BLUE: 90, GREEN: 10})
    change = [{"op": "replace", "path": f"/metadata/annotations/{FORWARD_ACTION.replace('/', '~1')}api", "value": text}]
    fixture.cluster.json_patch("", "Ingress", "api", change, namespace="dev")
    assert due(fixture.state, Circumstances(is_locked=True), Policy()) is None
    goal = due(fixture.state, Circumstances(), Policy())
    assert goal == Route()
    fixture.run(Route())
    assert fixture.state.weights == {BLUE: 100, GREEN: 0}


@pytest.mark.parametrize("text", ["{", "[]", '{"type": "fixed-response"}', '{"forwardConfig": {"targetGroups": []}}'])
def test_an_action_that_is_none_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"api-blue|Expecting"):
        forward.weights(ForwardAction("dev", "actions.api", text), "api")


def test_waiting_for_the_rules_leaves_the_controller_its_part_of_the_accounts_calls() -> None:
    """Ten `Describe…` calls a second for all programs of an account; a look takes three, and five releases wait."""
    fixture, looks = Fixture(canary=STEPS), list[float]()

    def stale(_: ServiceState) -> None:
        looks.append(fixture.clock.monotonic())

    fixture.run(Deploy(SECOND), weights=stale)
    waited = looks[-1] - looks[1]
    assert waited >= Limits().weights
    assert 5 * 3 * len(looks[2:]) <= 10 * waited


class Elbv2:
    """ELBv2's answers for one load balancer with some rules."""

    def __init__(self, *rules: dict[str, int]) -> None:
        self._rules = [
            {
                "Actions": [
                    {
                        "ForwardConfig": {
                            "TargetGroups": [
                                {"TargetGroupArn": arn(name), "Weight": weight} for name, weight in rule.items()
                            ]
                        }
                    }
                ]
            }
            for rule in rules
        ]

    def describe_target_groups(self, **_: Any) -> dict[str, Any]:
        """Each with its load balancer."""
        return {"TargetGroups": [{"LoadBalancerArns": ["lb"]}, {"LoadBalancerArns": ["lb"]}]}

    def get_paginator(self, operation: str) -> Elbv2:
        """Itself, for an operation."""
        self._operation = operation
        return self

    def paginate(self, **arguments: str) -> list[dict[str, Any]]:
        """One page. Nobody asks for the rules of port 80, which redirects."""
        if self._operation == "describe_listeners":
            ports = [{"ListenerArn": "http", "Protocol": "HTTP"}, {"ListenerArn": "https", "Protocol": "HTTPS"}]
            return [{"Listeners": ports}]
        assert arguments == {"ListenerArn": "https"}
        return [{"Rules": self._rules}]


def arn(name: str) -> str:
    return f"arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/{name}/1"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([{"api": 0, "api-blue": 90, "api-green": 10}], {BLUE: 90, GREEN: 10}),
        ([{"api-blue": 9, "api-green": 1}] * 2, {BLUE: 90, GREEN: 10}),
        ([{"api": 0, "api-blue": 90, "api-green": 10}, {"api": 0, "api-blue": 50, "api-green": 50}], None),
        ([{"api": 100, "api-blue": 0, "api-green": 0}], {BLUE: 0, GREEN: 0}),
        ([{"web": 1}], None),
        ([], None),
    ],
    ids=["one rule", "two paths", "half written", "the Service", "another service", "no rule"],
)
def test_the_weights_in_effect_are_those_of_all_rules(rules: list[dict[str, int]], expected: object) -> None:
    fixture = Fixture(canary=STEPS)
    assert weights_in_effect(fixture.cluster, fixture.state, lambda _: Elbv2(*rules)) is None, "no target groups yet"
    for name in ("api", "api-blue", "api-green"):
        fixture.cluster.create(
            {
                "apiVersion": "elbv2.k8s.aws/v1beta1",
                "kind": "TargetGroupBinding",
                "metadata": {"name": f"k8s-{name}", "namespace": "dev"},
                "spec": {"serviceRef": {"name": name}, "targetGroupARN": arn(name)},
            }
        )
    assert weights_in_effect(fixture.cluster, fixture.state, lambda _: Elbv2(*rules)) == expected
