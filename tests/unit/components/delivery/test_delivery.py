"""Delivery: identities, Roles limited to names, and bindings of the admission policies."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest

import config
from components.delivery.jenkins.names import AGENT, CACHE
from components.delivery.jenkins.repositories import of_jenkins
from contract import blue_green
from contract.identities import DEPLOYERS, RELEASE, VERIFY
from contract.namespaces import DELIVERY
from rehearsal.aws.authorization import Access, allows
from release import verification
from tests.unit.components.delivery.jenkins import with_jenkins
from tests.unit.components.workload.test_blue_green import SERVICES
from tests.unit.program import stack_of
from tools.program.graph import UNKNOWN, Graph, Registration, every, of_logs

REPOSITORY = "arn:aws:ecr:ap-northeast-2:123456789012:repository/"

UNNAMED_VERBS = {"list", "watch", "create"}
"""https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources ."""


def role_of(graph: Graph, environment: str, name: str) -> Registration:
    (role,) = (one for one in graph.of_kind("Role") if one.name == f"{environment}-{name}")
    return role


def test_the_environment_that_admits_verified_images_only_exists() -> None:
    assert blue_green.VERIFIED_ENVIRONMENT == verification.VERIFIED_ENVIRONMENT
    assert blue_green.VERIFIED_ENVIRONMENT in config.ENVIRONMENTS


def test_a_pod_has_the_token_of_an_identity_only_if_it_asks(graph: Graph) -> None:
    accounts = every(one for one in graph.of_kind("ServiceAccount") if one.name.startswith(f"{DELIVERY}-"))
    assert {one.metadata["name"] for one in accounts} == {RELEASE, VERIFY}
    assert all(one.inputs["automountServiceAccountToken"] is False for one in accounts)


def test_every_right_that_can_be_is_limited_to_names(graph: Graph) -> None:
    for role in graph.of_kind("Role"):
        for rule in role.inputs["rules"]:
            assert "*" not in [*rule["verbs"], *rule["resources"], *rule["apiGroups"]]
            if rule["resources"] == ["pods/log"]:
                continue  # of hooks: a pod's name is Kubernetes' choice
            # `delete` is for ConfigMaps whose names have a hash: an admission policy limits it.
            limited_verbs = set(rule["verbs"]) - UNNAMED_VERBS - {"delete"}
            assert bool(rule.get("resourceNames")) == bool(limited_verbs), rule


def test_nobody_who_delivers_reads_a_secret_makes_a_pod_or_gives_rights(graph: Graph) -> None:
    never = {"secrets", "pods/exec", "serviceaccounts", "serviceaccounts/token", "roles", "rolebindings"}
    for role in graph.of_kind("Role"):
        for rule in role.inputs["rules"]:
            assert not never & set(rule["resources"])
            if "pods" in rule["resources"]:
                assert set(rule["verbs"]) == {"list"}


@pytest.mark.parametrize("environment", config.ENVIRONMENTS)
def test_each_role_is_bound_to_those_who_need_it(graph: Graph, environment: str) -> None:
    bound = {
        one.metadata["name"]: {subject["name"] for subject in one.inputs["subjects"]}
        for one in graph.of_kind("RoleBinding")
        if one.name.startswith(f"{environment}-")
    }
    everywhere = {
        "hello-look": {RELEASE, VERIFY, DEPLOYERS},
        "hello-release": {RELEASE, DEPLOYERS},
        "hello-ask": {DEPLOYERS},
    }
    needed = {"hello-verify": {VERIFY}, "hello-override": {DEPLOYERS}}
    assert bound == everywhere | (needed if environment == blue_green.VERIFIED_ENVIRONMENT else {})
    for one in graph.of_kind("RoleBinding"):
        assert one.inputs["roleRef"]["name"] in (one.metadata["name"], UNKNOWN)


def test_rights_follow_the_services(graph: Graph) -> None:
    names = {
        name
        for rule in role_of(graph, "prod", "hello-release").inputs["rules"]
        if rule["resources"] == ["deployments"]
        for name in rule["resourceNames"]
    }
    assert names == {f"{service}-{slot}" for service in SERVICES for slot in ("blue", "green")}


def test_every_policy_fails_closed_and_is_bound_to_environments_by_their_label(graph: Graph) -> None:
    policies = {one.metadata["name"]: one for one in graph.of_kind("ValidatingAdmissionPolicy")}
    bound: set[str] = set()
    for one in graph.of_kind("ValidatingAdmissionPolicyBinding"):
        assert one.spec["validationActions"] == ["Deny"]
        if of_logs(one):
            bound.add(one.metadata["name"])
            continue
        name = next(name for name in policies if one.metadata["name"].startswith(name))
        assert one.spec["policyName"] in (name, UNKNOWN)
        bound.add(name)
        (expression,) = one.spec["matchResources"]["namespaceSelector"]["matchExpressions"]
        assert (expression["key"], expression["operator"]) == ("environment", "In")
        everywhere = name.startswith("hello-release-")
        assert set(expression["values"]) == (set(config.ENVIRONMENTS) if everywhere else {"prod"})
    assert bound == set(policies)
    for one in policies.values():
        assert one.spec.get("failurePolicy", "Fail") == "Fail"


def test_each_services_slots_are_asked_for_by_its_own_record(graph: Graph) -> None:
    records = {one.metadata["name"] for one in graph.of_kind("ConfigMap")}
    slots: set[str] = set()
    for one in graph.of_kind("ValidatingAdmissionPolicyBinding"):
        if "paramRef" not in one.spec:
            continue
        service, _, is_of_jobs = one.metadata["name"].removeprefix("hello-verified-images-").partition(".")
        assert one.spec["paramRef"] == {
            "name": f"verified-{service}",
            "namespace": "prod",
            "parameterNotFoundAction": "Deny",
        }
        assert f"verified-{service}" in records, "a missing parameter would refuse every change"
        (rule,) = one.spec["matchResources"]["resourceRules"]
        if is_of_jobs:
            assert (rule["resources"], rule["operations"]) == (["jobs"], ["CREATE"])
            assert one.spec["matchResources"]["objectSelector"]["matchLabels"] == {"app.kubernetes.io/name": service}
            continue
        slots |= set(rule["resourceNames"])
        assert set(rule["resourceNames"]) == {f"{service}-blue", f"{service}-green"}
    assert slots == {f"{service}-{slot}" for service in SERVICES for slot in ("blue", "green")}


def test_each_identity_tags_images_of_the_services_repositories_and_only_who_retires_takes_tags_off(
    graph: Graph,
) -> None:
    tagging = {"ecr:BatchGetImage", "ecr:PutImage"}
    expected = {"release": {*tagging, "ecr:DescribeImages", "ecr:BatchDeleteImage"}, "verify": tagging}
    for stack, repositories in ((graph, SERVICES), (with_jenkins(), [*SERVICES, AGENT, CACHE])):
        names = [str(one.inputs["name"]) for one in stack.of_type("aws:ecr/repository:Repository")]
        assert set(names) == {f"hello-{stack_of(stack)}/{name}" for name in repositories}
        for identity, actions in expected.items():
            policies = policies_of(stack, identity)
            assert {action for one in policies for each in one["Statement"] for action in each["Action"]} == actions
            for action, name in product(actions, names):
                access = Access(action, f"{REPOSITORY}{name}")
                assert allows(policies, access) == (name.rpartition("/")[2] in SERVICES), access
            assert not allows(policies, Access("ecr:PutImage", f"{REPOSITORY}x/api"))


def test_a_service_may_have_the_name_of_a_repository_that_jenkins_would_have() -> None:
    assert of_jenkins(SERVICES) == [AGENT, CACHE]
    assert of_jenkins([*SERVICES, AGENT]) == [CACHE]


def policies_of(graph: Graph, identity: str) -> list[Any]:
    """The policies of a release identity's role."""
    roles = graph.of_type("aws:iam/rolePolicy:RolePolicy")
    return [json.loads(one.inputs["policy"]) for one in roles if one.name == f"hello-{stack_of(graph)}-{identity}"]
