"""A bad configuration is refused with all its problems: key, value, and what is allowed."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.aws import network
from config import SettingsError, load, required_secrets
from config.checks.network import NODES_SHARE
from tests.unit.config.configurations import changed, parsed, problems
from tests.unit.program import config_without_secrets, stack_config
from tools.program.graph import every

REFUSALS: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("refusals.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", REFUSALS, ids=[", ".join(case["set"]) for case in REFUSALS])
def test_a_bad_configuration_is_refused_with_every_problem_and_no_other(case: dict[str, Any]) -> None:
    assert problems(changed(case["set"])) == case["says"]


def test_the_table_is_long_and_has_no_duplicates() -> None:
    assert len(REFUSALS) >= 80
    assert len({json.dumps(case["set"]) for case in REFUSALS}) == len(REFUSALS)


@pytest.mark.parametrize("name", ["api_two", "2api", "api--two", "-api", "api-", "a.b", "", " "])
def test_a_service_has_a_name_that_kubernetes_and_ecr_take(name: str) -> None:
    services: dict[str, Any] = parsed(stack_config("dev"))["services"]
    (line,) = problems(changed({"services": {**services, name: {"port": 80, "healthPath": "/"}}}))
    assert line.endswith(f'"{name}": lower-case letters and digits, a letter first, single hyphens between')


def test_all_problems_of_the_values_are_reported_at_once() -> None:
    lines = problems(changed({"domain": None, "regoin": "x", "services.api.port": 0, "environments.dev.nodes.min": 0}))
    assert sorted(line.partition(": ")[0] for line in lines) == [
        "domain",
        "environments.dev.nodes.min",
        "regoin",
        "services.api.port",
    ]


def test_bad_values_and_cross_field_errors_are_reported_at_once() -> None:
    lines = problems(changed({"domain": None, "environments.dev.nodes.desired": 9, "secrets": {}}))
    assert lines[0] == "domain: is required"
    assert lines[1] == "environments.dev.nodes: min 2, desired 9, max 6: min ≤ desired ≤ max"
    assert len(lines) == 2 + 14 + 4


def test_checks_that_read_a_bad_value_are_skipped() -> None:
    lines = problems(changed({"region": "Seoul", "services.api.port": 0, "secrets": {}}))
    assert [line.partition(": ")[0] for line in lines] == ["region", "services.api.port"]


@pytest.mark.parametrize("key", ["accountId", "loadBalancer"])
def test_a_check_that_reads_a_bad_value_is_skipped(key: str) -> None:
    """Both are keys whose field has another name."""
    change = {
        "accountId": {"accountId": "1", "permissionsBoundaryArn": "arn:aws:iam::999999999999:policy/b"},
        "loadBalancer": {"loadBalancer.idleTimeoutSeconds": 0, "services.gateway.keepAliveSeconds": 1},
    }[key]
    (line,) = problems(changed(change))
    assert line.startswith(key)


def test_a_cross_field_error_is_reported_beside_a_bad_value() -> None:
    lines = problems(changed({"region": "Seoul", "loadBalancer.idleTimeoutSeconds": 80}))
    idle = "more than loadBalancer.idleTimeoutSeconds, 80"
    why = f"75: {idle}: otherwise the load balancer sends requests on closed connections"
    assert lines == [
        'region: "Seoul": an AWS region such as ap-northeast-2',
        f"services.frontend.keepAliveSeconds: {why}",
        f"services.gateway.keepAliveSeconds: {why}",
    ]


def test_every_missing_secret_is_named_with_the_command_that_sets_it() -> None:
    lines = problems(config_without_secrets("dev"))
    services: dict[str, Any] = parsed(config_without_secrets("dev"))["services"]
    required = required_secrets({name: one.get("secrets", []) for name, one in services.items()})
    assert len(required) == 14 + 4
    assert [f"hello-platform:{line}" for line in lines] == [
        f"{secret.key}: is required; set it with: {secret.command}" for secret in required
    ]
    assert required[0].command == "pulumi config set --secret --path 'hello-platform:secrets.dev.api.MYSQL_URL'"


def test_a_sixth_service_is_a_few_lines() -> None:
    config = changed({"services.search": {"port": 9200, "healthPath": "/health", "paths": ["/search"]}})
    loaded = load(config)
    assert loaded.public_paths == {"/": "frontend", "/api": "gateway", "/search": "search"}
    assert loaded.services["search"].replicas.of("prod").min == 2


ALLOWED: list[dict[str, Any]] = [
    {"services.ai.egress.services": ["api"]},
    {"environments.dev.nodes.max": 4},
    {
        "environments.dev.nodes.max": 3,
        "environments.dev.serviceNodes": {"instanceTypes": ["t3.large", "t3a.large"], "spot": True, "max": 4},
    },
    {"network.cidr": "192.168.0.0/16", "services.api.egress.networks": [{"cidr": "172.20.1.0/24", "ports": [1]}]},
    {"network.cidr": "10.100.0.0/16"},
    {"network.cidr": "172.20.0.0/16"},
    {"network.cidr": "192.168.0.0/20"},
    {"cluster.publicAccessCidrs": ["52.0.0.0/16", "52.2.0.0/16", "203.0.113.5/32"]},
    {"cluster.adminRoleArns": ["arn:aws:iam::123456789012:role/team/ada"]},
    {"permissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary"},
    {"permissionsBoundaryArn": "arn:aws:iam::aws:policy/PowerUserAccess"},
    {"owner": "플랫폼팀"},
    {"services.gateway.paths": ["/api", "/login"]},
    {"services.gateway.paths": ["/api", "/api/v2"]},
    {"services.ai.paths": ["/apis"]},
    {"domain": "example.com"},
    {"domain": "hello.xn--p1ai", "dns": {"zone": "hello.xn--p1ai", "zoneId": "Z1"}},
    {
        "cluster.adminRoleArns": [
            "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef"
        ]
    },
    {"services.api.healthStatus": 204, "services.api.smokeTest": {"path": "/api/ready", "status": 200}},
    {"region": "us-gov-west-1", "network.zones": ["us-gov-west-1a", "us-gov-west-1b"]},
    {"domain": "example.com", "dns": {"zone": "example.com", "flattensApex": True}},
    {"domain": "hello.example.com", "dns": {"zone": "hello.example.com", "zoneId": "Z1"}},
    {"dns": {"zone": "example.com"}},
    {"services.gateway.keepAliveSeconds": 66},
    {"services.gateway.longestRequestSeconds": 64},
    {"services.gateway.longestRequestSeconds": 870, "services.gateway.heartbeatSeconds": 64},
    {"services.gateway.protocol": "HTTP2"},
    {"services.crawling.longestRequestSeconds": 870, "services.crawling.keepAliveSeconds": 1},
    {"services.api.egress.networks": [{"cidr": "10.100.0.0/24", "ports": [3306]}]},
    {"services.api.egress.networks": [{"cidr": "11.0.0.0/8", "ports": [3306]}]},
    {"services.api.variables": {"A": "both", "B": {"dev": "one", "prod": "other"}}},
    {"services.api.writablePaths": []},
    {"services.api.writablePaths": ["/data", "/database", "/process"]},
    {"services.blue": {"port": 80, "healthPath": "/"}},
]


@pytest.mark.parametrize("change", ALLOWED, ids=repr)
def test_a_valid_configuration_is_accepted(change: dict[str, Any]) -> None:
    load(changed(change))


def test_the_error_counts_its_problems_and_says_that_nothing_was_changed() -> None:
    with pytest.raises(SettingsError) as caught:
        load(changed({"domain": None, "region": "Seoul"}))
    assert str(caught.value).splitlines()[0] == ("2 problem(s) in this stack's configuration; nothing was changed.")
    assert every(caught.value.problems)


def test_the_addresses_of_the_nodes_subnets_are_those_that_the_network_splits_off() -> None:
    private = ipaddress.IPv4Network(network.split("10.0.0.0/20", ["us-east-1a"])["us-east-1a"].private)
    assert private.num_addresses == ipaddress.IPv4Network("10.0.0.0/20").num_addresses // NODES_SHARE
