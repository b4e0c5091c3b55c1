"""The preview roles: their trust policies and rights. `tests/delivery` tries their rights on a cluster."""

from __future__ import annotations

import fnmatch
import json
from typing import Any

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.policy_validation import IAMPolicyDocumentValidator

from components.delivery.preview_role.iam import AUDITOR
from components.delivery.preview_role.rbac import DRY_RUN, PREVIEWERS, READ_ONLY
from config import PROJECT
from rehearsal.aws.authorization import Access, allows
from tests.unit.components.delivery.previews import KEY, STATE_KEY, config, with_previews
from tests.unit.components.delivery.test_jenkins import job_script
from tests.unit.manifests import without_secrets
from tests.unit.program import configured, platform
from tools.program.graph import Graph, Registration

ROLE = "aws:iam/role:Role"
PROVIDER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
ENTRY = "aws:eks/accessEntry:AccessEntry"
ARN = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
NAME = "hello-dev-preview"
NAMES = [NAME, "hello-dev-jenkins-preview"]
"""The role of GitHub's jobs, and that of Jenkins' agents."""

READS = {
    "aws:acm/certificate:Certificate": (
        "acm:DescribeCertificate",
        "acm:GetCertificate",
        "acm:ListCertificates",
        "acm:ListTagsForCertificate",
    ),
    "aws:cloudwatch/logGroup:LogGroup": ("logs:DescribeLogGroups", "logs:ListTagsForResource"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": ("cloudwatch:DescribeAlarms",),
    "aws:sns/topic:Topic": ("sns:GetTopicAttributes", "sns:ListTagsForResource"),
    "aws:dlm/lifecyclePolicy:LifecyclePolicy": ("dlm:GetLifecyclePolicy",),
    "aws:ec2/vpc:Vpc": ("ec2:DescribeVpcs", "ec2:DescribeVpcAttribute"),
    "aws:ec2/launchTemplate:LaunchTemplate": ("ec2:DescribeLaunchTemplates", "ec2:DescribeLaunchTemplateVersions"),
    "aws:ecr/repository:Repository": ("ecr:DescribeRepositories", "ecr:ListTagsForResource"),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": ("ecr:GetLifecyclePolicy",),
    "aws:eks/addon:Addon": ("eks:DescribeAddon", "eks:DescribeAddonVersions"),
    "aws:eks/nodeGroup:NodeGroup": ("eks:DescribeNodegroup",),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": ("eks:DescribePodIdentityAssociation",),
    "aws:eks/accessEntry:AccessEntry": ("eks:DescribeAccessEntry",),
    "aws:iam/role:Role": ("iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"),
    "aws:iam/rolePolicy:RolePolicy": ("iam:GetRolePolicy",),
    PROVIDER: ("iam:GetOpenIDConnectProvider",),
    "aws:kms/key:Key": ("kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"),
}
"""Actions of the AWS provider when it refreshes a resource or looks it up, by type."""

DATA = ("s3:GetObject", "kms:Decrypt", "secretsmanager:GetSecretValue", "ssm:GetParameter", "ecr:BatchGetImage")


@pytest.fixture(scope="module")
def graph() -> Graph:
    return with_previews()


def role(graph: Graph) -> Registration:
    return graph.named(ROLE, NAME)


def statements(graph: Graph, name: str) -> list[dict[str, Any]]:
    return json.loads(graph.named("aws:iam/rolePolicy:RolePolicy", name).inputs["policy"])["Statement"]


def auditor() -> list[str]:
    """The actions of the AWS managed policy, as moto has it, in lower case."""
    statements = json.loads(aws_managed_policies_data)[AUDITOR]["Document"]["Statement"]
    return [action.lower() for one in statements for action in one["Action"]]


def test_there_is_none_unless_the_settings_ask_for_it() -> None:
    assert not any("preview" in one.name for one in platform("dev", preview=False).of_type(ROLE))


def test_jobs_of_one_environment_of_one_repository_act_as_it(graph: Graph) -> None:
    (statement,) = json.loads(role(graph).inputs["assumeRolePolicy"])["Statement"]
    issuer = "token.actions.githubusercontent.com"
    assert statement == {
        "Effect": "Allow",
        "Principal": {"Federated": ARN},
        "Action": ["sts:AssumeRoleWithWebIdentity"],
        "Condition": {
            "StringEquals": {
                f"{issuer}:aud": "sts.amazonaws.com",
                f"{issuer}:sub": "repo:hello/platform:environment:preview-dev",
            }
        },
    }


def test_the_accounts_identity_provider_is_made_once_or_named(graph: Graph) -> None:
    provider = graph.named(PROVIDER, "hello-dev-github")
    assert (provider.inputs["url"], provider.inputs["clientIdLists"]) == (
        "https://token.actions.githubusercontent.com",
        ["sts.amazonaws.com"],
    )
    assert provider.urn in graph.after_all(role(graph))
    named = configured(config(oidcProviderArn=f"{ARN}/hello"))
    assert "hello-dev-github" not in [one.name for one in named.of_type(PROVIDER)]
    assert f"{ARN}/hello" in role(named).inputs["assumeRolePolicy"]
    assert "token.actions.githubusercontent.com/hello:sub" in role(named).inputs["assumeRolePolicy"]


@pytest.mark.parametrize("name", NAMES)
def test_it_reads_no_data_but_the_state_and_the_secrets_of_its_stack(graph: Graph, name: str) -> None:
    IAMPolicyDocumentValidator(graph.named("aws:iam/rolePolicy:RolePolicy", name).inputs["policy"]).validate()
    attached = {
        one.inputs["policyArn"]
        for one in graph.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        if one.name.startswith(name)
    }
    assert attached == {f"arn:aws:iam::aws:policy/{AUDITOR}"}
    for action in DATA:
        assert not any(fnmatch.fnmatch(action.lower(), pattern) for pattern in auditor()), action
    policy = {"Statement": statements(graph, name)}

    def may(action: str, resource: str, **context: str) -> bool:
        names = {key.replace("_", ":"): [value] for key, value in context.items()}
        return allows([policy], Access(action, resource, names))

    state = "arn:aws:s3:::hello-pulumi-state/.pulumi"
    assert may("s3:GetObject", f"{state}/meta.yaml")
    for end in ("json", "json.gz", "json.zst"):
        assert may("s3:GetObject", f"{state}/stacks/{PROJECT}/dev.{end}")
    for other in (f"{PROJECT}/prod.json", f"{PROJECT}/prod.json.zst", f"{PROJECT}/dev.eu.json", "another/dev.json"):
        assert not may("s3:GetObject", f"{state}/stacks/{other}"), other
    for folder in ("history", "backups"):
        assert not may("s3:GetObject", f"{state}/{folder}/{PROJECT}/prod/prod-1.json"), folder
    assert may("kms:Decrypt", KEY)
    assert may("kms:Decrypt", STATE_KEY, kms_ViaService="s3.ap-northeast-2.amazonaws.com")
    assert not may("kms:Decrypt", STATE_KEY), "it may be the key of other stacks' secrets"


@pytest.mark.parametrize("name", NAMES)
def test_it_changes_nothing_in_aws(graph: Graph, name: str) -> None:
    for one in statements(graph, name):
        for action in one["Action"]:
            assert action == "kms:Decrypt" or action.partition(":")[2].startswith(("Describe", "Get", "List")), action


@pytest.mark.parametrize("kind", sorted(READS))
def test_it_may_read_how_what_the_program_makes_is_configured(graph: Graph, kind: str) -> None:
    allowed = [*auditor(), *(action.lower() for one in statements(graph, NAME) for action in one["Action"])]
    for action in READS[kind]:
        assert any(fnmatch.fnmatch(action.lower(), pattern) for pattern in allowed), action


@pytest.mark.parametrize("who", ["github", "jenkins"])
def test_it_enters_the_cluster_as_a_group_only_once_the_policy_holds(graph: Graph, who: str) -> None:
    entry = graph.named(ENTRY, f"hello-dev-preview-{who}")
    assert entry.inputs["kubernetesGroups"] == [PREVIEWERS]
    binding = graph.named(
        "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding", "hello-previews"
    )
    assert binding.urn in graph.after_all(entry)


def test_who_previews_in_jenkins_is_one_service_account_without_a_token(graph: Graph) -> None:
    association = graph.named("aws:eks/podIdentityAssociation:PodIdentityAssociation", NAMES[1])
    assert (association.inputs["namespace"], association.inputs["serviceAccount"]) == ("delivery", "hello-preview")
    (trusted,) = json.loads(graph.named(ROLE, NAMES[1]).inputs["assumeRolePolicy"])["Statement"]
    assert trusted["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    (account,) = (one for one in graph.of_kind("ServiceAccount") if one.metadata["name"] == "hello-preview")
    assert account.inputs["automountServiceAccountToken"] is False
    bound = [json.dumps(without_secrets(one.inputs)) for one in graph.objects() if "Binding" in one.type]
    assert bound
    assert not any('hello-preview"' in one for one in bound), "its rights come from the access entry of its role"


def without(key: str) -> Graph:
    """The resources of a stack whose previews lack one setting."""
    values = json.loads(config()[f"{PROJECT}:previews"])
    del values[key]
    changed = {**config(), f"{PROJECT}:previews": json.dumps(values)}
    return configured(changed)


def test_where_jenkins_does_not_know_where_the_state_is_it_previews_nothing() -> None:
    graph = without("stateBucket")
    assert [one.name for one in graph.of_type(ROLE) if "preview" in one.name] == [NAME]
    assert "platform/preview" not in job_script(graph)


def test_what_the_policy_cannot_guard_is_looked_at_only() -> None:
    """Admission policies are exempt from admission; the response to a patch of a Secret has its values."""
    assert not DRY_RUN.keys() & {"admissionregistration.k8s.io", "rbac.authorization.k8s.io", "*"}
    for name in (name for group in (DRY_RUN, READ_ONLY) for names in group.values() for name in names):
        assert name not in ("secrets", "*")
        assert "/" not in name, "no subresource: exec, token, scale"
