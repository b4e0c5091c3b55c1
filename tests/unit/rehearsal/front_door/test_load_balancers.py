"""Supported properties of load balancers, and AWS's refusals."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.front_door import haproxy
from rehearsal.front_door.elbv2 import State
from rehearsal.front_door.load_balancers import LoadBalancer, load_balancers
from tests.unit.rehearsal.front_door.account import (
    DOMAIN,
    NOT_FOUND,
    OFFICE,
    TO_HTTPS,
    condition,
    forward,
    listener,
    load_balancer,
    path,
    permission,
    rule,
    security_group,
    state,
    target_group,
)

HOST = condition("host-header", DOMAIN)


def by_name(given: State) -> dict[str, LoadBalancer]:
    return {one.name: one for one in load_balancers(given)}


def with_rules(*rules: dict[str, Any], **changes: Any) -> State:
    """One load balancer with rules that lead to the groups a to f."""
    groups = [target_group(name) for name in "abcdef"]
    return state(load_balancers=[load_balancer("public", *rules, **changes)], target_groups=groups)


def refusal(given: State) -> str:
    with pytest.raises(RehearsalError) as refused:
        haproxy.configuration(given, domain=DOMAIN, staff="A", outside="B")
    return refused.value.problem


def test_a_load_balancer_is_reached_by_the_hosts_of_its_rules_and_by_its_own_name() -> None:
    assert by_name(state())["staff"].hosts == (
        f"test.{DOMAIN}",
        f"log.{DOMAIN}",
        "staff-1.ap-northeast-2.elb.amazonaws.com",
    )


def test_the_listener_of_https_is_served_once_there_is_one() -> None:
    assert by_name(state())["public"].port == 443
    assert by_name(with_rules(Listeners=[listener(80, "HTTP", TO_HTTPS)])) == {}
    assert by_name(with_rules(Listeners=[])) == {}
    assert by_name(with_rules(State={"Code": "provisioning"})) == {}


def inbound(*permissions: dict[str, Any]) -> tuple[str, ...]:
    return by_name(state(security_groups=[security_group("sg-public", *permissions)]))["public"].inbound


def test_a_security_group_lets_in_to_the_port_that_is_served() -> None:
    assert inbound(permission(80, 80, "0.0.0.0/0"), permission(443, 443, OFFICE)) == (OFFICE,)
    assert inbound(permission(0, 65535, OFFICE)) == (OFFICE,)
    assert inbound(permission(0, 0, OFFICE, protocol="-1")) == (OFFICE,)
    assert inbound(permission(443, 443, OFFICE, protocol="udp")) == ()
    assert inbound(permission(443, 443, Ipv6Ranges=[{"CidrIpv6": "::/0"}])) == ("::/0",)
    assert inbound(permission(443, 443, group="sg-other")) == ()


def test_weights_are_said_in_smallest_numbers() -> None:
    (one, _) = by_name(with_rules(rule(1, forward("a", "b", weights=(90, 10)), HOST)))["public"].rules
    assert [weight for _, weight in one.shares] == [9, 1]


def group(**changes: Any) -> State:
    return state(load_balancers=[TWO[0]], target_groups=[target_group("a", **changes)])


def many(count: int) -> list[dict[str, Any]]:
    return [rule(number, forward("a"), HOST) for number in range(1, count + 1)]


STICKY = {**forward("a")["ForwardConfig"], "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 60}}

TWO = [load_balancer("public", path(1, DOMAIN, "/", "a")), load_balancer("staff", path(1, f"*.{DOMAIN}", "/", "b"))]

REFUSALS: dict[str, State] = {
    "Load balancer public: Type network": with_rules(Type="network"),
    "Load balancer public: Scheme internal": with_rules(Scheme="internal"),
    "Load balancer public: a load balancer has at most 100 rules": with_rules(*many(101)),
    "Load balancer public: priorities of rules are unique": with_rules(*many(1), *many(1)),
    "not [0]": with_rules(rule(0, forward("a"), HOST)),
    "not [50001]": with_rules(rule(50001, forward("a"), HOST)),
    "Rule public:1: an action leads to at most 5 target groups": with_rules(
        rule(1, forward(*"abcdef", weights=(1,) * 6), HOST)
    ),
    "Rule public:1: action authenticate-oidc, forward": with_rules(
        {**rule(1, forward("a"), HOST), "Actions": [{"Type": "authenticate-oidc"}, forward("a")]}
    ),
    "Rule public:1: action redirect: nobody knows": with_rules(rule(1, TO_HTTPS, HOST)),
    "Rule public:1: stickiness": with_rules(rule(1, {**forward("a"), "ForwardConfig": STICKY}, HOST)),
    "Rule public:1: transforms": with_rules({**rule(1, forward("a"), HOST), "Transforms": [{"Type": "url-rewrite"}]}),
    "Rule public:1: every rule has conditions": with_rules(rule(1, forward("a"))),
    "Rule public:1: a rule has one condition host-header": with_rules(rule(1, forward("a"), HOST, HOST)),
    "only one listener of HTTPS": with_rules(
        Listeners=[listener(443, "HTTPS", NOT_FOUND), listener(8443, "HTTPS", NOT_FOUND)]
    ),
    "what comes to port 80 must be sent on to port 443, by HTTPS": with_rules(
        Listeners=[listener(80, "HTTP", NOT_FOUND, path(1, DOMAIN, "/", "a"))]
    ),
    "what comes to port 80 must be sent on to port 443": with_rules(
        Listeners=[listener(80, "HTTP", NOT_FOUND), listener(443, "HTTPS", NOT_FOUND)]
    ),
    "what comes to port 80 must be sent on to port 8443": with_rules(
        Listeners=[listener(80, "HTTP", TO_HTTPS), listener(8443, "HTTPS", NOT_FOUND)]
    ),
    "clients' certificates": with_rules(
        Listeners=[{**listener(443, "HTTPS", NOT_FOUND), "MutualAuthentication": {"Mode": "verify"}}]
    ),
    "Load balancer public, port 443: attribute routing.http.response.x: nobody knows": with_rules(
        Listeners=[{**listener(443, "HTTPS", NOT_FOUND), "Attributes": {"routing.http.response.x": "y"}}]
    ),
    "Load balancer public: attribute new.one: nobody knows": with_rules(Attributes={"new.one": "x"}),
    "idle_timeout.timeout_seconds 0: only": with_rules(Attributes={"idle_timeout.timeout_seconds": "0"}),
    "host hello.example.com is on the load balancer staff, too": state(
        load_balancers=[TWO[0], load_balancer("staff", path(1, DOMAIN, "/", "b"))]
    ),
    f"host x.{DOMAIN} is on the load balancer staff, too": state(
        load_balancers=[load_balancer("public", path(1, f"x.{DOMAIN}", "/", "a")), TWO[1]]
    ),
    "Load balancer public: prefix lists": state(
        security_groups=[security_group("sg-public", permission(443, 443, PrefixListIds=[{"PrefixListId": "pl-1"}]))]
    ),
    "a rule leads to it, and it does not exist": state(target_groups=[]),
    **{
        f"Target group a: {problem}": group(**{key: value})
        for problem, key, value in (
            ("TargetType lambda", "TargetType", "lambda"),
            ("HealthCheckPort 8080", "HealthCheckPort", "8080"),
            ("Protocol TCP", "Protocol", "TCP"),
            ("ProtocolVersion HTTP3: only", "ProtocolVersion", "HTTP3"),
            ("GRPC has {'HttpCode': '200'}", "ProtocolVersion", "GRPC"),
            ("HTTP1 has {'GrpcCode': '12'}", "Matcher", {"GrpcCode": "12"}),
            ("HealthCheckProtocol TCP", "HealthCheckProtocol", "TCP"),
            ("HealthCheckEnabled False", "HealthCheckEnabled", False),
            ("HttpCode 100: only", "Matcher", {"HttpCode": "100"}),
            ("GrpcCode 0: only", "Matcher", {"GrpcCode": "0"}),
            ("stickiness.enabled true: only", "Attributes", {"stickiness.enabled": "true"}),
            ("slow_start.duration_seconds 30: only", "Attributes", {"slow_start.duration_seconds": "30"}),
            (
                "load_balancing.algorithm.type weighted_random: only",
                "Attributes",
                {"load_balancing.algorithm.type": "weighted_random"},
            ),
            ("attribute lambda.x: nobody knows", "Attributes", {"lambda.x": "true"}),
        )
    },
}


@pytest.mark.parametrize("problem", REFUSALS)
def test_what_aws_refuses_or_nobody_knows_here_is_refused_by_name(problem: str) -> None:
    assert problem in refusal(REFUSALS[problem])


def test_what_aws_lets_stand_is_served() -> None:
    assert len(by_name(with_rules(*many(100)))["public"].rules) == 101
    assert len(by_name(with_rules(rule(50_000, forward(*"abcde", weights=(1,) * 5), HOST)))["public"].rules) == 2
    apart = state(load_balancers=[TWO[0], load_balancer("staff", path(1, "*.example.org", "/", "b"))])
    assert set(by_name(apart)) == {"public", "staff"}
