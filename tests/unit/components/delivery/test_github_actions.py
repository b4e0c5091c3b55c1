"""GitHub Actions' roles: who may assume them, and what they may in AWS and in the cluster."""

from __future__ import annotations

import json
from typing import Any

import pytest

from config import PROJECT
from rehearsal.aws.authorization import Access, allows
from tests.unit.components.delivery.previews import PREVIEWS
from tests.unit.program import configured, stack_config
from tools.program.graph import Graph

ACTIONS: dict[str, Any] = {"repositories": {"api": "hello/api", "ai": "hello/ai"}}
ROLE = "aws:iam/role:Role"
PROVIDER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
ISSUER = "token.actions.githubusercontent.com"
ENVIRONMENTS = ("build", "release-dev", "release-prod", "verify")


def configuration(**changes: Any) -> dict[str, str]:
    """The dev stack's configuration, with GitHub Actions and without Jenkins."""
    return {**stack_config("dev"), f"{PROJECT}:githubActions": json.dumps(ACTIONS), **changes}


@pytest.fixture(scope="module")
def graph() -> Graph:
    return configured(configuration())


def statements(graph: Graph, environment: str) -> dict[str, Any]:
    policy = graph.named("aws:iam/rolePolicy:RolePolicy", f"hello-dev-github-{environment}")
    return json.loads(policy.inputs["policy"])


def test_the_way_to_prod_needs_no_jenkins(graph: Graph) -> None:
    assert "jenkins" not in " ".join(graph.resources)
    assert {one.name for one in graph.of_type(ROLE) if "github" in one.name} == {
        f"hello-dev-github-{environment}" for environment in ENVIRONMENTS
    }


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_role_is_for_the_jobs_of_one_environment_of_the_services_repositories(graph: Graph, environment: str) -> None:
    (trusted,) = json.loads(graph.named(ROLE, f"hello-dev-github-{environment}").inputs["assumeRolePolicy"])[
        "Statement"
    ]
    assert trusted["Action"] == ["sts:AssumeRoleWithWebIdentity"]
    assert trusted["Condition"] == {
        "StringEquals": {
            f"{ISSUER}:aud": "sts.amazonaws.com",
            f"{ISSUER}:sub": [
                f"repo:hello/ai:environment:{environment}",
                f"repo:hello/api:environment:{environment}",
            ],
        }
    }


def test_who_builds_pushes_and_has_no_access_to_the_cluster(graph: Graph) -> None:
    repository = "arn:aws:ecr:ap-northeast-2:123456789012:repository/hello-dev/api"
    for environment in ENVIRONMENTS:
        policies = [statements(graph, environment)]
        assert allows(policies, Access("ecr:InitiateLayerUpload", repository, {})) == (environment == "build")
    assert not allows([statements(graph, "build")], Access("ecr:PutImage", repository.replace("hello-dev", "x"), {}))
    groups = {
        one.name: one.inputs["kubernetesGroups"]
        for one in graph.of_type("aws:eks/accessEntry:AccessEntry")
        if "github" in one.name
    }
    assert groups == {
        "hello-dev-github-release-dev": ["hello:release-dev"],
        "hello-dev-github-release-prod": ["hello:release-prod"],
        "hello-dev-github-verify": ["hello:verifiers"],
    }


def bound(graph: Graph, group: str) -> set[tuple[str, str]]:
    """Namespace and name of each Role of a group."""
    return {
        (str(one.metadata["namespace"]), one.inputs["roleRef"]["name"])
        for one in graph.of_kind("RoleBinding")
        if any(subject["name"] == group for subject in one.inputs["subjects"])
    }


def test_who_releases_to_one_environment_has_no_rights_in_the_other_and_verifies_nothing(graph: Graph) -> None:
    for environment in ("dev", "prod"):
        assert bound(graph, f"hello:release-{environment}") == {
            (environment, name) for name in ("hello-look", "hello-release", "hello-ask")
        }
    assert bound(graph, "hello:verifiers") == {
        ("dev", "hello-look"),
        ("dev", "hello-ask"),
        ("prod", "hello-look"),
        ("prod", "hello-verify"),
    }


def test_what_binds_a_release_binds_these_too(graph: Graph) -> None:
    policies = [
        one.inputs["spec"]["matchConditions"][0]["expression"]
        for one in graph.of_kind("ValidatingAdmissionPolicy")
        if one.inputs["spec"].get("matchConditions", [{}])[0].get("name") == "releases"
    ]
    assert policies
    for expression in policies:
        assert "'hello:release-dev' in request.userInfo.groups" in expression
        assert "'hello:release-prod' in request.userInfo.groups" in expression


def test_the_accounts_identity_provider_is_made_once() -> None:
    both = configured(configuration(**{f"{PROJECT}:previews": json.dumps(PREVIEWS)}))
    assert [one.name for one in both.of_type(PROVIDER) if "github" in one.name] == ["hello-dev-github"]
    arn = f"arn:aws:iam::123456789012:oidc-provider/{ISSUER}"
    named = {**ACTIONS, "oidcProviderArn": arn}
    graph = configured(configuration(**{f"{PROJECT}:githubActions": json.dumps(named)}))
    assert [one for one in graph.of_type(PROVIDER) if "github" in one.name] == []
