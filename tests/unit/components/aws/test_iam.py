"""Every IAM role: bounded, trusted by one service, and allowed no more than it needs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.iam.policy_validation import IAMPolicyDocumentValidator, IAMTrustPolicyDocumentValidator

from components.aws.iam import Statement, Trust, policy, trust_policy
from tests.unit.graph import Graph, Registration, every
from tests.unit.monitor import ISSUER
from tests.unit.program import CHECKOUT, STACKS, platform, run, stack_config

ROLE = "aws:iam/role:Role"
INLINE = "aws:iam/rolePolicy:RolePolicy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"

TRUSTED = {
    "cluster": "eks.amazonaws.com",
    "dev": "ec2.amazonaws.com",
    "prod": "ec2.amazonaws.com",
    "flow-logs": "vpc-flow-logs.amazonaws.com",
    "vpc-cni": "pods.eks.amazonaws.com",
    "aws-ebs-csi-driver": "pods.eks.amazonaws.com",
    "cluster-autoscaler": "pods.eks.amazonaws.com",
    "aws-load-balancer-controller": "pods.eks.amazonaws.com",
    "release": "pods.eks.amazonaws.com",
    "verify": "pods.eks.amazonaws.com",
}
"""Every role that a service acts as, by the end of its name, and which."""

BY_TOKEN = {"elasticsearch": "system:serviceaccount:logging:elasticsearch"}
"""Every role that a service account acts as by its own token, by the end of its name, and which."""


def statements(document: str) -> list[dict[str, Any]]:
    return every(json.loads(document)["Statement"], "statement")


def end(role: Registration) -> str:
    """A role's name without the platform's."""
    return role.name.split("-", 2)[2]


def for_services(graph: Graph) -> list[Registration]:
    """The roles that services act as."""
    return every(role for role in graph.of_type(ROLE) if end(role) not in BY_TOKEN)


def test_a_policy_is_one_that_iam_takes() -> None:
    made = policy([Statement(actions=["s3:GetObject"], resources=["*"], conditions={"StringEquals": {"a:b": "c"}})])
    IAMPolicyDocumentValidator(made).validate()
    assert statements(made) == [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": ["*"],
            "Condition": {"StringEquals": {"a:b": "c"}},
        }
    ]


def test_a_service_tags_its_sessions_only_where_it_is_told() -> None:
    assert statements(trust_policy(Trust(service="ec2.amazonaws.com"))) == [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": ["sts:AssumeRole"]}
    ]
    (tagged,) = statements(trust_policy(Trust(service="eks.amazonaws.com", session_tags=True)))
    assert tagged["Action"] == ["sts:AssumeRole", "sts:TagSession"]


def test_there_are_these_roles_and_each_trusts_one_service(graph: Graph) -> None:
    trusted = {
        end(role): statement["Principal"]["Service"]
        for role in for_services(graph)
        for statement in statements(role.inputs["assumeRolePolicy"])
    }
    assert trusted == TRUSTED


def test_a_service_acts_for_this_account_and_this_cluster_only(graph: Graph) -> None:
    """All but EC2, which only hands a role to an instance that was started with it."""
    for role in for_services(graph):
        (statement,) = statements(role.inputs["assumeRolePolicy"])
        if statement["Principal"]["Service"] == "ec2.amazonaws.com":
            continue
        values = [value for operator in statement["Condition"].values() for value in operator.values()]
        assert any(":123456789012:" in value for value in values), role.urn


def test_a_token_is_taken_of_one_service_account_of_this_clusters_issuer(known: Graph) -> None:
    (issuer,) = known.of_type("aws:iam/openIdConnectProvider:OpenIdConnectProvider")
    assert issuer.inputs["url"] == ISSUER
    assert issuer.inputs["clientIdLists"] == ["sts.amazonaws.com"]
    claims = ISSUER.removeprefix("https://")
    trusted: dict[str, str] = {}
    for role in (role for role in known.of_type(ROLE) if end(role) in BY_TOKEN):
        (statement,) = statements(role.inputs["assumeRolePolicy"])
        IAMTrustPolicyDocumentValidator(role.inputs["assumeRolePolicy"]).validate()
        subject = statement["Condition"]["StringEquals"][f"{claims}:sub"]
        assert statement == {
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:aws:iam::123456789012:oidc-provider/{claims}"},
            "Action": ["sts:AssumeRoleWithWebIdentity"],
            "Condition": {"StringEquals": {f"{claims}:sub": subject, f"{claims}:aud": "sts.amazonaws.com"}},
        }
        trusted[end(role)] = subject
    assert trusted == BY_TOKEN


@pytest.mark.parametrize("stack", STACKS)
def test_every_role_has_the_boundary_where_there_is_one(stack: str) -> None:
    config = {**stack_config(stack), "hello-platform:permissionsBoundaryArn": BOUNDARY}
    bounded = run(CHECKOUT / "__main__.py", stack=stack, settings=config, preview=False)
    assert {role.inputs["permissionsBoundary"] for role in bounded.of_type(ROLE)} == {BOUNDARY}
    for role in platform(stack, preview=False).of_type(ROLE):
        assert "permissionsBoundary" not in role.inputs


def test_no_role_is_made_beside_the_one_place(graph: Graph) -> None:
    ours = {one.urn for one in graph.of_type("hello:platform:Role")}
    for one in [*graph.of_type(ROLE), *graph.of_type(INLINE), *graph.of_type(ATTACHMENT)]:
        assert one.parent in ours, one.urn


def test_no_policy_of_ours_allows_every_action_and_only_looking_knows_no_resource(graph: Graph) -> None:
    for one in graph.of_type(INLINE):
        IAMPolicyDocumentValidator(one.inputs["policy"]).validate()
        for statement in statements(one.inputs["policy"]):
            assert not any("*" in action for action in statement["Action"]), one.urn
            if statement["Resource"] == ["*"]:
                verbs = {action.partition(":")[2] for action in statement["Action"]}
                assert all(verb.startswith(("Describe", "Get", "List")) for verb in verbs), one.urn


def test_no_role_has_a_policy_that_administers(graph: Graph) -> None:
    attached = {one.inputs["policyArn"].removeprefix("arn:aws:iam::aws:policy/") for one in graph.of_type(ATTACHMENT)}
    assert attached == {
        "AmazonEKSClusterPolicy",
        "AmazonEKSWorkerNodePolicy",
        "AmazonEC2ContainerRegistryPullOnly",
        "AmazonEKS_CNI_Policy",
        "service-role/AmazonEBSCSIDriverPolicy",
    }


def test_a_node_may_not_change_the_network(known: Graph) -> None:
    """Its role would be any pod's that takes the node over: the CNI has a role of its own."""
    roles = {one.inputs["role"] for one in known.of_type(ATTACHMENT) if "CNI" in one.inputs["policyArn"]}
    assert [role.rpartition("-")[2] for role in roles] == ["cni"]
