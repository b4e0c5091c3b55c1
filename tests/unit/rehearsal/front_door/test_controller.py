"""The load balancers that the AWS Load Balancer Controller 3.3.0 created for stack prod, recorded on 2026-11-26."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.front_door import haproxy
from rehearsal.front_door.elbv2 import State
from rehearsal.front_door.load_balancers import load_balancers
from tests.unit.rehearsal.front_door.account import OFFICE

DOMAIN = "hello.example.com"


@pytest.fixture
def made() -> dict[str, Any]:
    return copy.deepcopy(json.loads((Path(__file__).parent / "controller.json").read_text()))


def text(made: dict[str, Any]) -> str:
    return haproxy.configuration(State(**made), domain=DOMAIN, staff="A", outside="B")


def test_each_load_balancer_lets_in_whom_its_class_does(made: dict[str, Any]) -> None:
    found = {one.name: one for one in load_balancers(State(**made))}
    assert {name.rpartition("-")[0]: one.inbound for name, one in found.items()} == {
        "k8s-public": ("0.0.0.0/0",),
        "k8s-staff": (OFFICE,),
    }
    assert {one.port for one in found.values()} == {443}


def test_each_rule_leads_to_the_node_of_its_hosts_environment_and_the_node_lets_it_in(made: dict[str, Any]) -> None:
    found = text(made)
    assert "disabled" not in found
    rules = re.findall(
        r"set-var\(txn.group\) str\(k8s-(\w+)-(\w+)-\w+\) if .* -- '\^(\S+)\$' } { path -m reg -- (.*) }", found
    )
    assert sorted(rules) == [
        (environment, service, re.escape(host), paths)
        for environment, host in (("dev", f"test.{DOMAIN}"), ("prod", DOMAIN))
        for service, paths in (("frontend", "'^/.*$'"), ("gateway", "'^/api$' '^/api/.*$'"))
    ]
    sections = re.findall(r"backend k8s-(\w+)-\w+-\w+\n(.*?)\n\n", f"{found}\n", re.DOTALL)
    servers = {(environment, *re.findall(r"server \S+ ([\d.]+):", section)[:1]) for environment, section in sections}
    assert servers == {("prod", "10.1.1.10"), ("dev", "10.1.0.10")}


def test_what_is_behind_no_service_is_said_by_the_load_balancer(made: dict[str, Any]) -> None:
    (line,) = (line for line in text(made).splitlines() if "return status 503" in line)
    assert "'Backend service does not exist'" in line
    assert re.escape(f"log.{DOMAIN}") in line


def test_a_plain_port_that_answers_itself_is_refused(made: dict[str, Any]) -> None:
    plain = next(one for one in made["load_balancers"][0]["Listeners"] if one["Port"] == 80)
    plain["Rules"][-1]["Actions"] = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}]
    with pytest.raises(RehearsalError, match="what comes to port 80 must be sent on to port 443"):
        text(made)


def test_a_node_that_no_longer_lets_the_load_balancers_in_is_told(made: dict[str, Any]) -> None:
    for group in made["security_groups"]:
        if group["GroupName"] == "nodes":
            group["IpPermissions"] = []
    assert text(made).count("disabled") == 4
