"""Quotas of load balancers and security groups, in the whole program."""

from __future__ import annotations

from typing import Any

import pytest

from components.limits.check import LimitsError
from tests.unit.config.configurations import changed
from tests.unit.program import CHECKOUT, run


def violations(changes: dict[str, Any]) -> list[str]:
    """What the program refuses with a change of the dev stack's configuration; empty if it runs."""
    settings = changed(changes)
    try:
        run(CHECKOUT / "__main__.py", stack="dev", settings=settings, preview=True)
    except LimitsError as error:
        return [f"{one.resource}: {one.property}: {one.value}" for one in error.violations]
    return []


def cidrs(count: int) -> list[str]:
    return [f"198.18.{number}.0/24" for number in range(count)]


@pytest.mark.parametrize("balancer", ["staff", "public"])
def test_a_load_balancers_security_group_has_two_rules_for_each_range(balancer: str) -> None:
    assert violations({f"loadBalancer.{balancer}Cidrs": cidrs(30)}) == []
    (found,) = violations({f"loadBalancer.{balancer}Cidrs": cidrs(31)})
    assert found == f"load balancer {balancer}: rules of its security group (31 ranges on 2 ports): 62"
    assert violations({f"loadBalancer.{balancer}Cidrs": cidrs(31), "network.securityGroupRules": 62}) == []


def test_a_path_has_room_for_the_pattern_of_what_is_below_it() -> None:
    longest = "/" + "a" * 125
    assert violations({"services.gateway.paths": [longest]}) == []
    found = violations({"services.gateway.paths": [f"{longest}a"]})
    assert found == [
        f"kubernetes:networking.k8s.io/v1:Ingress {name}: path pattern: {longest}a/*" for name in ("dev", "prod")
    ]


def test_a_load_balancer_has_a_hundred_rules() -> None:
    """The frontend has a path, too, and Kibana one on `staff`."""
    paths = [f"/{number}" for number in range(98)]
    assert violations({"services.gateway.paths": paths}) == []
    assert violations({"services.gateway.paths": [*paths, "/98"]}) == ["load balancer staff: rules: 101"]


def test_a_load_balancer_has_a_thousand_targets() -> None:
    nodes = {"instanceType": "m7i.large", "min": 2, "desired": 2, "max": 100}
    services = {f"services.s{number}": {"port": 80, "healthPath": "/", "paths": [f"/s{number}"]} for number in range(9)}
    environments = {
        "network.cidr": "10.0.0.0/16",
        "environments.prod.nodes": nodes,
        "environments.prod.quota": {"cpu": "100", "memory": "200Gi", "pods": 500},
        "environments.dev.quota": {"cpu": "100", "memory": "200Gi", "pods": 500},
    }
    found = violations({**environments, **services})
    assert found == ["load balancer public: targets, with all node groups at their maximum: 1100"]
    del services["services.s8"]
    assert violations({**environments, **services}) == []


def test_the_clusters_security_group_has_a_rule_for_each_node_port() -> None:
    one = {"port": 80, "healthPath": "/", "replicas": {"dev": {"min": 1, "max": 1}, "prod": {"min": 1, "max": 1}}}
    services = {f"services.s{number}": {**one, "paths": [f"/s{number}"]} for number in range(28)}
    room = {
        **{f"environments.{name}.quota": {"cpu": "100", "memory": "200Gi", "pods": 500} for name in ("dev", "prod")},
        **{f"environments.{name}.nodes.max": 20 for name in ("dev", "prod")},
    }
    (found,) = violations({**room, **services})
    assert found.startswith("security group of the cluster: rules: one for each Service of type NodePort")
    del services["services.s0"]
    assert len(violations({**room, **services})) == (1 if found.endswith(": 62") else 0)
