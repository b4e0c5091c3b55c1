"""IAM roles: permissions boundary, trust policy, least privilege."""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.iam.policy_validation import IAMPolicyDocumentValidator, IAMTrustPolicyDocumentValidator

from components.aws.iam import Trust, trust_policy
from tests.unit.program import STACKS, configured, platform, stack_config
from tools.program.graph import Graph, Registration, every
from tools.program.monitor import ISSUER

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
    "logs-setup": "pods.eks.amazonaws.com",
}
"""AWS service that assumes each role, by the suffix of the role's name."""

IRSA_SUBJECTS = {"elasticsearch": "system:serviceaccount:logging:elasticsearch"}
"""Subject of the token for each IRSA role, by the suffix of the role's name."""


def statements(document: str) -> list[dict[str, Any]]:
    return every(json.loads(document)["Statement"], "statement")


def suffix(role: Registration) -> str:
    """Name of a role without the platform's prefix."""
    return role.name.split("-", 2)[2]


def service_roles(graph: Graph) -> list[Registration]:
    """Roles that AWS services assume."""
    return every(role for role in graph.of_type(ROLE) if suffix(role) not in IRSA_SUBJECTS)


def test_a_service_may_tag_its_sessions_only_if_told_so() -> None:
    assert statements(trust_policy(Trust(service="ec2.amazonaws.com"))) == [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": ["sts:AssumeRole"]}
    ]
    (tagged,) = statements(trust_policy(Trust(service="eks.amazonaws.com", session_tags=True)))
    assert tagged["Action"] == ["sts:AssumeRole", "sts:TagSession"]


def test_each_role_trusts_the_expected_service(graph: Graph) -> None:
    trusted = {
        suffix(role): statement["Principal"]["Service"]
        for role in service_roles(graph)
        for statement in statements(role.inputs["assumeRolePolicy"])
    }
    assert trusted == TRUSTED


def test_roles_are_assumed_for_this_account_only(graph: Graph) -> None:
    """Except for EC2, which gives a role only to instances that were launched with it."""
    for role in service_roles(graph):
        (statement,) = statements(role.inputs["assumeRolePolicy"])
        if statement["Principal"]["Service"] == "ec2.amazonaws.com":
            continue
        values = [value for operator in statement["Condition"].values() for value in operator.values()]
        assert any(":123456789012:" in value for value in values), role.urn


def test_an_irsa_role_trusts_one_service_account_of_this_cluster(known: Graph) -> None:
    (issuer,) = known.of_type("aws:iam/openIdConnectProvider:OpenIdConnectProvider")
    assert issuer.inputs["url"] == ISSUER
    assert issuer.inputs["clientIdLists"] == ["sts.amazonaws.com"]
    claims = ISSUER.removeprefix("https://")
    trusted: dict[str, str] = {}
    for role in (role for role in known.of_type(ROLE) if suffix(role) in IRSA_SUBJECTS):
        (statement,) = statements(role.inputs["assumeRolePolicy"])
        IAMTrustPolicyDocumentValidator(role.inputs["assumeRolePolicy"]).validate()
        subject = statement["Condition"]["StringEquals"][f"{claims}:sub"]
        assert statement == {
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:aws:iam::123456789012:oidc-provider/{claims}"},
            "Action": ["sts:AssumeRoleWithWebIdentity"],
            "Condition": {"StringEquals": {f"{claims}:sub": subject, f"{claims}:aud": "sts.amazonaws.com"}},
        }
        trusted[suffix(role)] = subject
    assert trusted == IRSA_SUBJECTS


@pytest.mark.parametrize("stack", STACKS)
def test_every_role_has_the_configured_permissions_boundary(stack: str) -> None:
    config = {**stack_config(stack), "hello-platform:permissionsBoundaryArn": BOUNDARY}
    bounded = configured(config, stack=stack)
    assert {role.inputs["permissionsBoundary"] for role in bounded.of_type(ROLE)} == {BOUNDARY}
    for role in platform(stack, preview=False).of_type(ROLE):
        assert "permissionsBoundary" not in role.inputs


def test_every_role_belongs_to_a_role_component(graph: Graph) -> None:
    components = {one.urn for one in graph.of_type("hello:platform:Role")}
    for one in [*graph.of_type(ROLE), *graph.of_type(INLINE), *graph.of_type(ATTACHMENT)]:
        assert one.parent in components, one.urn


def test_no_inline_policy_has_wildcard_actions_or_writes_to_any_resource(graph: Graph) -> None:
    for one in graph.of_type(INLINE):
        IAMPolicyDocumentValidator(one.inputs["policy"]).validate()
        for statement in statements(one.inputs["policy"]):
            assert not any("*" in action for action in statement["Action"]), one.urn
            if statement["Resource"] == ["*"] and statement["Effect"] == "Allow":
                verbs = {action.partition(":")[2] for action in statement["Action"]}
                if verbs == {"PutMetricData"}:  # it knows no resources, but a namespace of metrics
                    assert statement["Condition"]["StringEquals"]["cloudwatch:namespace"], one.urn
                    continue
                assert all(verb.startswith(("Describe", "Get", "List")) for verb in verbs), one.urn


def test_eks_makes_no_log_group_again_that_was_deleted_with_the_cluster(graph: Graph) -> None:
    """Its managed policy allows it: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonEKSClusterPolicy.html."""
    (policy,) = (one for one in graph.of_type(INLINE) if one.name.endswith("-cluster"))
    assert statements(policy.inputs["policy"]) == [
        {"Effect": "Deny", "Action": ["logs:CreateLogGroup"], "Resource": ["*"]}
    ]


def test_roles_have_only_the_expected_managed_policies(graph: Graph) -> None:
    attached = {one.inputs["policyArn"].removeprefix("arn:aws:iam::aws:policy/") for one in graph.of_type(ATTACHMENT)}
    assert attached == {
        "AmazonEKSClusterPolicy",
        "AmazonEKSWorkerNodePolicy",
        "AmazonEC2ContainerRegistryPullOnly",
        "AmazonEKS_CNI_Policy",
        "AmazonEBSCSIDriverPolicyV2",
    }


def test_nodes_may_not_change_the_network(known: Graph) -> None:
    """A pod that takes over a node gets its role, so the VPC CNI has its own role."""
    roles = {one.inputs["role"] for one in known.of_type(ATTACHMENT) if "CNI" in one.inputs["policyArn"]}
    assert [role.rpartition("-")[2] for role in roles] == ["cni"]
