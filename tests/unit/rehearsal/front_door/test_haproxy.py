"""HAProxy's configuration, by its text; what it does with it is tried in tests/traffic."""

from __future__ import annotations

import re

import pytest

from rehearsal.front_door import haproxy
from rehearsal.front_door.routes import routes
from tests.unit.rehearsal.front_door.cluster import DOMAIN, OFFICE, cluster, ingress, parameters, path, service

SOCKETS = haproxy.Sockets(staff="A", outside="B")


def text(domain: str = DOMAIN) -> str:
    return haproxy.configuration(routes(cluster()), domain=domain, sockets=SOCKETS)


def test_hosts_are_served_under_their_names_and_those_of_this_machine() -> None:
    assert "use_backend prod:gateway:http if { var(txn.host) -m str hello.example.com hello.localhost }" in text()
    assert "{ var(txn.host) -m str test.hello.example.com test.hello.localhost }" in text()
    assert "localhost" not in text(domain="other.example.com")


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


def test_a_prefix_ends_at_a_slash_and_the_longest_comes_first() -> None:
    chosen = re.findall(r"use_backend (prod\S+) if {[^}]*}(.*)", text())
    assert chosen == [
        ("prod:gateway:http", " { path -m str /api }"),
        ("prod:gateway:http", " { path -m beg /api/ }"),
        ("prod:frontend:http", ""),
    ]


def test_only_staff_are_let_to_hosts_of_a_class_with_a_list() -> None:
    denials = [line for line in text().splitlines() if "deny" in line]
    (denial,) = denials
    assert "log.hello.example.com" in denial
    assert denial.endswith(f"!{{ src 127.0.0.1 {OFFICE} }}")


def test_a_rule_with_a_condition_is_for_listed_addresses_and_for_others_there_is_nothing() -> None:
    condition = '[{"field": "source-ip", "sourceIpConfig": {"values": ["192.0.2.0/24"]}}]'
    one = ingress("prod", DOMAIN, path("/hook/", "frontend", "Exact"), **{"conditions.frontend": condition})
    found = haproxy.configuration(routes(cluster(ingresses=[one])), domain=DOMAIN, sockets=SOCKETS)
    (chosen,) = re.findall(r"use_backend prod\S+ if {[^}]*}(.*)", found)
    assert chosen == " { path -m str /hook/ } { src 127.0.0.1 192.0.2.0/24 }"
    assert "default_backend not-found" in found


def test_a_lost_request_is_not_tried_again_and_targets_connections_are_shared() -> None:
    lines = {line.strip() for line in text().splitlines()}
    assert {"retries 0", "http-reuse always", "option idle-close-on-response"} <= lines
    assert not any("redispatch" in line or "retry-on" in line for line in lines)


def test_targets_are_checked_as_annotated_and_all_of_them_asked_when_none_is_healthy() -> None:
    section = text().split("backend dev:gateway:http\n")[1].split("\n\n")[0]
    assert "uri /healthcheck ver HTTP/1.1" in section
    assert "http-check expect status 200\n" in section
    assert "inter 15s rise 2 fall 2" in section
    assert re.findall(r"^  server (.*)", section, re.MULTILINE) == [
        "dev-1 10.10.0.1:32002 check no-check-ssl",
        "dev-1-unhealthy 10.10.0.1:32002 backup",
    ]
    assert "option allbackups" in section


def test_targets_that_speak_tls_are_asked_by_it_and_checked_as_annotated() -> None:
    def servers(**annotations: str) -> list[str]:
        one = ingress("prod", DOMAIN, path("/", "frontend"))
        objects = cluster(ingresses=[one], services=[service("prod", "frontend", 31001, **annotations)])
        found = haproxy.configuration(routes(objects), domain=DOMAIN, sockets=SOCKETS)
        return re.findall(r"server prod-1(?:-unhealthy)? 10.44.0.1:31001 (.*)", found)

    assert servers(backend_protocol="HTTPS", healthcheck_protocol="HTTPS") == [
        "ssl verify none check check-ssl verify none",
        "ssl verify none backup",
    ]
    assert servers(backend_protocol="HTTPS") == ["ssl verify none check no-check-ssl", "ssl verify none backup"]
    assert servers(healthcheck_protocol="HTTPS") == ["check check-ssl verify none", "backup"]


def test_a_class_says_how_long_connections_are_idle() -> None:
    attributes = [{"key": "idle_timeout.timeout_seconds", "value": "75"}]
    slow = [parameters("public", loadBalancerAttributes=attributes), parameters("staff")]
    found = haproxy.configuration(routes(cluster(parameters=slow)), domain=DOMAIN, sockets=SOCKETS)
    assert "timeout client 75s" in found
    assert found.count("timeout server 75s") == 1 + 4, "and for each target group of the class"


def test_a_switch_of_slots_changes_nothing() -> None:
    switched = [
        {**one, "spec": {**one["spec"], "selector": {"slot": "green"}}, "metadata": {**one["metadata"], "x": 1}}
        for one in cluster().services
    ]
    found = haproxy.configuration(routes(cluster(services=switched)), domain=DOMAIN, sockets=SOCKETS)
    assert found == text()


def test_what_nobody_answers_for_is_404_and_a_missing_service_503() -> None:
    assert "default_backend not-found" in text()
    assert "use_backend no-service if { var(txn.host) -m str log.hello.example.com" in text()
    one = ingress("prod", DOMAIN, path("/", "frontend"))
    only = haproxy.configuration(
        routes(cluster(ingresses=[one], services=[service("prod", "frontend", 31001)])), domain=DOMAIN, sockets=SOCKETS
    )
    assert "use_backend no-service" not in only
