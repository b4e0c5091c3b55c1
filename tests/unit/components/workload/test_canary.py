"""A service that is released by weight: its Services, its route, its rights; and none of them without the setting."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from components.delivery.delivery import READ_RULES
from components.ingress import forward
from components.limits.load_balancers import INGRESS, Resource, violations
from components.workload.admission import fields
from config import PROJECT
from contract.blue_green import CANARY, FORWARD_ACTION, SLOTS, forward_action
from release.forward import with_weights
from tests.unit.program import configured, stack_config
from tools.program.graph import Graph, Registration

SERVICES = f"{PROJECT}:services"
ACTION = f"{FORWARD_ACTION}frontend"


def graph_with(**canary: Any) -> Graph:
    settings = stack_config("dev")
    services = json.loads(settings[SERVICES])
    services["frontend"] |= canary
    return configured({**settings, SERVICES: json.dumps(services)})


def readers_of(graph: Graph) -> list[str]:
    """The IAM policies that allow to read the load balancer's rules; the controller's is one."""
    policies = graph.of_type("aws:iam/rolePolicy:RolePolicy")
    return [one.name for one in policies if READ_RULES[0] in str(one.inputs)]


@pytest.fixture(scope="module")
def by_weight() -> Graph:
    return graph_with(canary={"steps": [5, 25], "secondsPerStep": 30})


def of(graph: Graph, kind: str, name: str, namespace: str = "prod") -> Registration:
    (found,) = (
        one for one in graph.of_kind(kind) if (one.metadata["name"], one.metadata.get("namespace")) == (name, namespace)
    )
    return found


def rules_of(graph: Graph, role: str) -> list[dict[str, Any]]:
    return of(graph, "Role", role).inputs["rules"]


def test_each_slot_has_a_service_that_selects_it_for_good(by_weight: Graph) -> None:
    active = of(by_weight, "Service", "frontend")
    for slot in SLOTS:
        service = of(by_weight, "Service", f"frontend-{slot}")
        assert service.spec == {**active.spec, "selector": {**active.spec["selector"], "slot": slot}}
        assert service.metadata["annotations"] == active.metadata["annotations"], "the same health checks"


def test_the_route_leads_to_all_three_services_and_to_the_active_one_first(by_weight: Graph) -> None:
    ingress = of(by_weight, "Ingress", "prod")
    (rule,) = ingress.spec["rules"]
    backends = {path["path"]: path["backend"]["service"] for path in rule["http"]["paths"]}
    assert backends == {
        "/": {"name": "frontend", "port": {"name": "use-annotation"}},
        "/api": {"name": "gateway", "port": {"name": "http"}},
    }
    action = json.loads(forward_action("frontend"))
    weights = {one["serviceName"]: one["weight"] for one in action["forwardConfig"]["targetGroups"]}
    assert weights == {"frontend": 100, "frontend-blue": 0, "frontend-green": 0}
    services = {of(by_weight, "Service", name).urn for name in weights}
    assert services <= by_weight.after_all(ingress), "the controller writes no rule while a Service is missing"


def test_the_release_tool_learns_the_steps(by_weight: Graph) -> None:
    annotations = of(by_weight, "PodTemplate", "frontend").metadata["annotations"]
    assert json.loads(annotations[CANARY]) == {"steps": [5, 25], "secondsPerStep": 30}


def test_who_releases_may_read_the_rules_and_change_the_ingress_of_the_host(by_weight: Graph) -> None:
    looks = [rule for rule in rules_of(by_weight, "hello-look") if "list" in rule["verbs"]]
    assert {"ingresses", "targetgroupbindings"} <= {name for rule in looks for name in rule["resources"]}
    (writes,) = (rule for rule in rules_of(by_weight, "hello-release") if rule["resources"] == ["ingresses"])
    assert (writes["verbs"], writes["resourceNames"]) == (["get", "patch"], ["prod", "prod-public"])
    assert any("release" in name for name in readers_of(by_weight))
    assert not any("verify" in name for name in readers_of(by_weight))


def test_without_a_canary_nothing_of_it_is_there(known: Graph) -> None:
    assert not {f"frontend-{slot}" for slot in SLOTS} & {one.metadata["name"] for one in known.of_kind("Service")}
    assert not any(ACTION in (one.metadata["annotations"] or {}) for one in known.of_kind("Ingress"))
    assert not any("ingresses" in rule["resources"] for rule in rules_of(known, "hello-release"))
    assert not any("targetgroupbindings" in rule["resources"] for rule in rules_of(known, "hello-look"))
    assert not any("release" in name or "reconciler" in name for name in readers_of(known))


def test_the_target_groups_of_all_three_services_count_for_the_load_balancer(by_weight: Graph) -> None:
    ingress = of(by_weight, "Ingress", "prod")
    nodes = Resource(
        type="eks:index:ManagedNodeGroup",
        name="prod",
        inputs={"labels": {"environment": "prod"}, "scalingConfig": {"maxSize": 300}},
    )
    found = violations([nodes, Resource(type=INGRESS, name="prod", inputs=ingress.inputs)], 1000)
    (targets,) = (one for one in found if one.property.startswith("targets"))
    assert targets.value == str(300 * 4), "three of the frontend, one of the gateway"


def test_admission_knows_the_action_as_the_release_tool_writes_it() -> None:
    pattern = re.compile(fields.action_pattern("api"))
    for blue in (0, 7, 10, 99, 100):
        assert pattern.match(with_weights(forward_action("api"), "api", {"blue": blue, "green": 100 - blue}))
    for other in (forward_action("web"), forward_action("api").replace("100", "101"), forward_action("api") + " "):
        assert not pattern.match(other)


def test_who_releases_nothing_may_write_the_initial_action_only() -> None:
    text = fields.weights_unchanged(["api"])
    assert json.dumps(forward_action("api")) in text


def test_pulumi_declares_no_weights(by_weight: Graph) -> None:
    """A field that it declared and ignored would be missing in the update that brings the first canary."""
    assert ACTION not in of(by_weight, "Ingress", "prod").metadata["annotations"]
    (policy,) = (one for one in by_weight.of_kind("MutatingAdmissionPolicy") if one.name == forward.NAME)
    assert policy.spec["failurePolicy"] == "Fail"
    assert policy.urn in by_weight.after_all(of(by_weight, "Ingress", "prod"))
