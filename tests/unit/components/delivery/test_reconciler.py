"""The reconciler: one pod, once there is its image, with rights by name and an identity that brings nothing in."""

from __future__ import annotations

import json
from typing import Any

import pytest

import config
from components.delivery.reconciler import BRINGS_NOTHING_IN, ROLES
from config import capacity
from contract.identities import RECONCILER, RECONCILER_LABELS, RELEASE, RELEASE_TOOL_LABELS, username
from contract.namespaces import DELIVERY
from tests.unit.components.delivery.jenkins import DELIVERY as SETTINGS
from tests.unit.components.delivery.jenkins import configuration, with_jenkins
from tests.unit.program import configured, platform
from tools.program.graph import Graph, Registration


def deployment(graph: Graph) -> Registration:
    (found,) = (one for one in graph.of_kind("Deployment") if one.metadata["name"] == RECONCILER)
    return found


def container(graph: Graph) -> dict[str, Any]:
    (found,) = deployment(graph).spec["template"]["spec"]["containers"]
    return found


def test_it_is_one_pod_of_the_agents_image() -> None:
    graph = with_jenkins()
    assert deployment(graph).spec["replicas"] == 1
    assert container(graph)["image"].endswith(f"/agent@{SETTINGS['agentDigest']}")
    assert container(graph)["command"][:4] == ["python3", "-m", "release", "reconcile"]


@pytest.mark.parametrize(
    ("changes", "pods"),
    [({"agentDigest": "sha256:" + 64 * "0"}, 0), ({"reconciler": False}, None)],
    ids=["no image yet", "turned off"],
)
def test_it_has_no_pod_without_an_image_and_is_nothing_when_it_is_turned_off(
    changes: dict[str, Any], pods: int | None
) -> None:
    graph = configured(configuration(**changes), preview=False)
    if pods is None:
        assert not any(RECONCILER in urn for urn in graph.resources)
    else:
        assert deployment(graph).spec["replicas"] == pods
    assert not any(RECONCILER in urn for urn in platform("dev", preview=False).resources), "no Jenkins, no image"


def test_its_pod_is_confined_and_probed_and_counted() -> None:
    graph = with_jenkins()
    spec, one = deployment(graph).spec["template"]["spec"], container(graph)
    assert spec["serviceAccountName"] == RECONCILER
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert one["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"readinessProbe", "livenessProbe"} <= set(one)
    assert spec["priorityClassName"] == "tooling"
    (counted,) = (pods for pods in capacity.tooling(config.Logs()) if pods.name == "release reconciler")
    requests = one["resources"]["requests"]
    assert (counted.one.cpu_millis, counted.one.memory) == (100, 256 * 2**20)
    assert (requests["cpu"], requests["memory"]) == ("100m", "256Mi")


def test_a_network_policy_of_its_own_selects_it_and_that_of_the_agents_does_not() -> None:
    graph = with_jenkins()
    labels = deployment(graph).spec["template"]["metadata"]["labels"]
    policies = {one.metadata["name"]: one.spec for one in graph.of_kind("NetworkPolicy")}
    assert policies[RECONCILER]["podSelector"] == {"matchLabels": labels} == {"matchLabels": RECONCILER_LABELS}
    assert policies[RECONCILER]["egress"] == policies[RELEASE]["egress"]
    assert (
        policies[RELEASE]["podSelector"] == {"matchLabels": RELEASE_TOOL_LABELS} != policies[RECONCILER]["podSelector"]
    )


@pytest.mark.parametrize("environment", config.ENVIRONMENTS)
def test_it_has_the_roles_of_a_release_and_may_change_no_pods(environment: str) -> None:
    graph = with_jenkins()
    bindings = [
        one
        for one in graph.of_kind("RoleBinding")
        if one.metadata["namespace"] == environment and RECONCILER in {it["name"] for it in one.inputs["subjects"]}
    ]
    assert {one.inputs["roleRef"]["name"] for one in bindings} == set(ROLES)
    assert all(one.inputs["subjects"][0]["namespace"] == DELIVERY for one in bindings)
    (policy,) = (
        one
        for one in graph.of_kind("ValidatingAdmissionPolicy")
        if one.metadata["name"] == f"{RECONCILER}-{environment}"
    )
    assert [one["expression"] for one in policy.spec["validations"]] == [BRINGS_NOTHING_IN]
    (rule,) = policy.spec["matchConstraints"]["resourceRules"]
    assert (rule["resources"], rule["operations"]) == (["deployments"], ["UPDATE"])


def test_every_limit_of_a_release_is_its_too() -> None:
    policies = [
        one
        for one in with_jenkins().of_kind("ValidatingAdmissionPolicy")
        if one.metadata["name"].startswith("hello-release-")
    ]
    assert len(policies) == 5
    for one in policies:
        (condition,) = one.spec["matchConditions"]
        assert f"'{username(RECONCILER)}'" in condition["expression"]


def test_it_takes_tags_off_images_and_puts_none_on() -> None:
    (policy,) = (
        one for one in with_jenkins().of_type("aws:iam/rolePolicy:RolePolicy") if one.name == "hello-dev-reconciler"
    )
    statements = json.loads(policy.inputs["policy"])["Statement"]
    assert {action for one in statements for action in one["Action"]} == {"ecr:DescribeImages", "ecr:BatchDeleteImage"}
