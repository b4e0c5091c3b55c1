"""The text of HAProxy's configuration; tests/traffic has its effect."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.front_door import haproxy
from rehearsal.front_door.elbv2 import State
from tests.unit.rehearsal.front_door.account import (
    DOMAIN,
    OFFICE,
    condition,
    fixed,
    forward,
    load_balancer,
    path,
    rule,
    state,
    target,
    target_group,
)


def text(of: State | None = None, *, domain: str = DOMAIN) -> str:
    return haproxy.configuration(of or state(), domain=domain, staff="A", outside="B")


def one_rule(action: dict[str, Any], *conditions: dict[str, Any], **changes: Any) -> str:
    """The configuration for a load balancer with one rule."""
    groups = [target_group(name, target("i-prod1", 31001)) for name in ("a", "b", "c")]
    one = load_balancer("public", rule(1, action, *conditions or (condition("host-header", DOMAIN),)), **changes)
    return text(state(load_balancers=[one], target_groups=groups))


def backend(found: str, name: str) -> str:
    return found.split(f"backend {name}\n")[1].partition("\n\n")[0]


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("hello.example.com", "hello.localhost"),
        ("test.hello.example.com", "test.hello.localhost"),
        ("otherhello.example.com", None),
        ("example.com", None),
    ],
)
def test_only_hosts_of_the_domain_have_a_name_on_this_machine(host: str, local: str | None) -> None:
    assert haproxy.local(host, DOMAIN) == local


def test_rules_come_in_the_order_of_their_priority_and_the_default_one_last() -> None:
    rules = [path(20, DOMAIN, "/", "prod-frontend"), path(3, DOMAIN, "/api", "prod-gateway")]
    found = text(state(load_balancers=[load_balancer("public", *rules)]))
    chosen = re.findall(r"set-var\(txn.group\) str\((\S+)\)|(return status 404 if)", found)
    assert chosen == [("prod-gateway", ""), ("prod-frontend", ""), ("", "return status 404 if")]


def test_only_those_are_let_in_whom_a_security_group_lets_in() -> None:
    assert set(re.findall(r"acl staff:inbound src (\S+)", text())) == {"127.0.0.1", OFFICE}
    assert set(re.findall(r"acl public:inbound src (\S+)", text())) == {"127.0.0.1", "0.0.0.0/0"}
    assert "deny_status 403 if { var(txn.balancer) -m str staff } !staff:inbound\n" in text()
    nobody = text(state(security_groups=[]))
    assert "inbound src" not in nobody
    assert "deny_status 403 if { var(txn.balancer) -m str public }\n" in nobody


def test_a_lost_request_is_not_tried_again_and_targets_connections_are_shared() -> None:
    lines = {line.strip() for line in text().splitlines()}
    assert {"retries 0", "http-reuse always", "option idle-close-on-response"} <= lines
    assert not any("redispatch" in line or "retry-on" in line for line in lines)


def test_targets_are_checked_as_their_group_says_and_all_of_them_asked_when_none_is_healthy() -> None:
    section = backend(text(), "dev-gateway")
    assert "uri '/health' ver HTTP/1.1" in section
    assert "http-check expect status 200\n" in section
    assert "inter 10s rise 2 fall 3" in section
    assert re.findall(r"^  server (.*)", section, re.MULTILINE) == [
        "i-dev1:32002 10.10.0.1:32002 check no-check-ssl",
        "i-dev1:32002:unhealthy 10.10.0.1:32002 backup",
    ]
    assert "option allbackups" in section


def servers(**changes: Any) -> list[str]:
    one = load_balancer("public", path(1, DOMAIN, "/", "a"))
    group = target_group("a", target("i-prod1", 31001), **changes)
    found = text(state(load_balancers=[one], target_groups=[group]))
    return re.findall(r"server i-prod1:31001(?::unhealthy)? 10.44.0.1:31001 (.*)", found)


def test_targets_that_speak_tls_are_asked_by_it_and_checked_as_their_group_says() -> None:
    assert servers(Protocol="HTTPS", HealthCheckProtocol="HTTPS") == [
        "ssl verify none check check-ssl verify none",
        "ssl verify none backup",
    ]
    assert servers(Protocol="HTTPS") == ["ssl verify none check no-check-ssl", "ssl verify none backup"]
    assert servers(HealthCheckProtocol="HTTPS") == ["check check-ssl verify none", "backup"]


def test_a_load_balancer_says_how_long_connections_are_idle() -> None:
    slow = load_balancer("public", path(1, DOMAIN, "/", "a"), Attributes={"idle_timeout.timeout_seconds": "75"})
    other = load_balancer("staff", path(1, f"test.{DOMAIN}", "/", "b"))
    found = text(state(load_balancers=[slow, other], target_groups=[target_group("a"), target_group("b")]))
    assert "timeout client 75s" in found
    assert "timeout server 75s" in backend(found, "a")
    assert "timeout server 60s" in backend(found, "b")


def test_requests_that_are_under_way_have_the_time_that_deregistration_gives_them() -> None:
    groups = [target_group(name) for name in ("prod-gateway", "dev-gateway", "dev-frontend")]
    slow = target_group("prod-frontend", Attributes={"deregistration_delay.timeout_seconds": "900"})
    assert "hard-stop-after 900s" in text(state(target_groups=[*groups, slow]))


def test_headers_with_odd_names_are_dropped_where_an_attribute_says_so() -> None:
    dropping = {"routing.http.drop_invalid_header_fields.enabled": "true"}
    assert "del-header" in one_rule(forward("a"), Attributes=dropping)
    assert "del-header" not in text()


def test_a_fixed_response_is_given_as_it_stands() -> None:
    found = one_rule(fixed(503, "it's 50%\nof $HOME"))
    assert "return status 503 content-type text/plain string 'it'\\''s 50%'\\n'of $HOME' if" in found


def test_a_rule_without_any_weight_leads_nowhere() -> None:
    assert "return status 503 if" in one_rule(forward("a", "b", weights=(0, 0)))
    assert "str(a) if" in one_rule(forward("a", "b", weights=(1, 0)))


@given(st.lists(st.integers(0, 999), min_size=3, max_size=3).filter(lambda weights: sum(map(bool, weights)) > 1))
def test_each_group_gets_its_weight_of_as_many_requests_as_their_sum(weights: list[int]) -> None:
    found = one_rule(forward("a", "b", "c", weights=weights))
    (turn,) = re.findall(r"set-var\(txn.turn\) sc_inc_gpc0\(0\),mod\((\d+)\),mul\((\d+)\),mod\((\d+)\)", found)
    total, stride, again = map(int, turn)
    assert total == again
    limits = [(name, int(limit)) for name, limit in re.findall(r"str\((\w)\) if .* -m int lt (\d+)", found)]
    requests = Counter(
        next(name for name, limit in limits if number % total * stride % total < limit)
        for number in range(1, total + 1)
    )
    factor = sum(weights) // total
    assert [requests[name] * factor for name in "abc"] == weights


def test_what_no_request_may_go_to_is_no_server() -> None:
    staying = {"initial", "healthy", "unhealthy", "unavailable"}
    found: set[str] = set()
    for name in (*staying, "draining", "unused", "unhealthy.draining"):
        groups = [target_group("prod-frontend", target("i-prod1", 31001, name)), *state().target_groups[2:]]
        groups.append(target_group("prod-gateway"))
        if "server i-prod1" in text(state(target_groups=groups)):
            found.add(name)
    assert found == staying
