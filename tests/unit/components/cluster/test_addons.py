"""Add-ons and controllers: pinned, spread over environments, with their own IAM roles."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from components.aws.account import Account
from components.cluster.addons import BEFORE_NODES, after_nodes
from rehearsal.aws.authorization import Access, allows
from tests.unit.components.delivery.jenkins import configuration as delivery_config
from tests.unit.program import configured
from tools.program.graph import Graph, Registration

ACCOUNT = Account(id="123456789012", region="ap-northeast-2", tags={}, permissions_boundary_arn=None, protect=False)
KEY = "arn:aws:kms:ap-northeast-2:999999999999:key/0123abcd"
ADDON = "aws:eks/addon:Addon"
ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
CHARTS = ("cluster-autoscaler", "aws-load-balancer-controller")
"""Helm releases with an IAM role; release and service account have the same name."""

REPLICAS = {"coredns": "replicaCount", "aws-ebs-csi-driver": "replicaCount", "metrics-server": "replicas"}
ROLES = {
    "vpc-cni": ("aws-node", "vpc-cni"),
    "aws-ebs-csi-driver": ("ebs-csi-controller-sa", "aws-ebs-csi-driver"),
}


def addon_named(graph: Graph, name: str) -> Registration:
    (one,) = (one for one in graph.of_type(ADDON) if one.inputs["addonName"] == name)
    return one


def association(graph: Graph, service_account: str) -> Registration:
    (one,) = (one for one in graph.of_type(ASSOCIATION) if one.inputs["serviceAccount"] == service_account)
    return one


def configuration(graph: Graph, name: str) -> dict[str, Any]:
    values = json.loads(addon_named(graph, name).inputs["configurationValues"])
    return values.get("controller", values)


def system_workloads(graph: Graph) -> dict[str, dict[str, Any]]:
    """Configuration of every system workload, by name."""
    return {
        **{name: configuration(graph, name) for name in REPLICAS},
        **{name: graph.release(name).inputs["values"] for name in CHARTS},
    }


def test_the_expected_addons_have_pinned_versions(graph: Graph) -> None:
    addons = {one.inputs["addonName"]: one.inputs["addonVersion"] for one in graph.of_type(ADDON)}
    pinned = {one.name: one.version for one in [*BEFORE_NODES, *after_nodes(ACCOUNT, None)]}
    assert addons == pinned
    assert set(addons) == {"kube-proxy", "eks-pod-identity-agent", "vpc-cni", *REPLICAS}
    assert all(re.fullmatch(r"v\d+\.\d+\.\d+-eksbuild\.\d+", version) for version in addons.values())


def test_pods_wait_for_dns_and_volumes_and_nothing_waits_for_metrics(graph: Graph) -> None:
    urns = {name: addon_named(graph, name).urn for name in REPLICAS}
    for name in (*CHARTS, "elastic-operator"):
        assert graph.after_all(graph.release(name)) & {*urns.values()} == {urns["coredns"], urns["aws-ebs-csi-driver"]}
    assert not [one.name for one in graph.custom() if urns["metrics-server"] in graph.after_all(one)]


def test_network_policies_are_enforced(graph: Graph) -> None:
    assert configuration(graph, "vpc-cni") == {"enableNetworkPolicy": "true"}


@pytest.mark.parametrize("addon", ROLES)
def test_an_addon_that_calls_aws_has_a_role_for_its_service_account(known: Graph, addon: str) -> None:
    service_account, role = ROLES[addon]
    (association,) = addon_named(known, addon).inputs["podIdentityAssociations"]
    assert association["serviceAccount"] == service_account
    assert association["roleArn"].endswith(f"-{role}")
    (trusting_role,) = (one for one in known.of_type("aws:iam/role:Role") if one.name.endswith(f"-{role}"))
    assert_trusts(trusting_role, service_account)


def assert_trusts(role: Registration, service_account: str) -> None:
    stack = role.urn.split(":")[2]
    (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    assert statement["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert statement["Condition"] == {
        "StringEquals": {
            "aws:RequestTag/eks-cluster-arn": f"arn:aws:eks:ap-northeast-2:123456789012:cluster/hello-{stack}",
            "aws:RequestTag/kubernetes-namespace": "kube-system",
            "aws:RequestTag/kubernetes-service-account": service_account,
        }
    }


def test_other_addons_have_no_role(graph: Graph) -> None:
    for one in graph.of_type(ADDON):
        assert ("podIdentityAssociations" in one.inputs) == (one.inputs["addonName"] in ROLES)
        assert "serviceAccountRoleArn" not in one.inputs


def test_a_role_has_its_permissions_before_its_pods_start(graph: Graph) -> None:
    for addon, (_, role) in ROLES.items():
        attachments = {
            one.urn
            for one in graph.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
            if f"-{role}-" in one.name
        }
        assert len(attachments) == 1
        assert attachments <= addon_named(graph, addon).dependencies
    for name in CHARTS:
        assert association(graph, name).urn in graph.release(name).dependencies


def test_system_workloads_survive_the_loss_of_all_nodes_of_an_environment(graph: Graph) -> None:
    """Two pods, one on each environment's nodes, that may also run on the same nodes."""
    for name, values in system_workloads(graph).items():
        assert values[REPLICAS.get(name, "replicaCount")] == 2, name
        assert values["tolerations"] == [{"key": "environment", "operator": "Exists", "effect": "NoSchedule"}]
        (constraint,) = values["topologySpreadConstraints"]
        assert constraint["topologyKey"] == "environment"
        assert constraint["whenUnsatisfiable"] == "DoNotSchedule"
        assert constraint["maxSkew"] == 1
        assert constraint["matchLabelKeys"] == ["pod-template-hash"]
        assert constraint["labelSelector"]["matchLabels"]


def test_the_spread_counts_the_workloads_own_pods(graph: Graph) -> None:
    """By the labels in the manifests of AWS and of the chart."""
    counted = {
        name: values["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"]
        for name, values in system_workloads(graph).items()
    }
    assert counted == {
        "coredns": {"k8s-app": "kube-dns"},
        "aws-ebs-csi-driver": {"app": "ebs-csi-controller"},
        "metrics-server": {"app.kubernetes.io/name": "metrics-server"},
        "cluster-autoscaler": {"app.kubernetes.io/name": "cluster-autoscaler"},
        "aws-load-balancer-controller": {"app.kubernetes.io/name": "aws-load-balancer-controller"},
    }


def test_system_workloads_depend_on_nodes_and_their_roles_do_not(graph: Graph) -> None:
    groups = {one.urn for one in graph.of_type("eks:index:ManagedNodeGroup")}
    for one in [*map(graph.release, CHARTS), *(addon_named(graph, name) for name in REPLICAS)]:
        assert groups <= graph.after_all(one)
    for one in graph.of_type("aws:iam/role:Role"):
        assert not groups & graph.comes_after(one)


def test_volumes_of_claims_have_the_stacks_tags(graph: Graph) -> None:
    provider = graph.named("pulumi:providers:aws", "aws")
    tags = configuration(graph, "aws-ebs-csi-driver")["extraVolumeTags"]
    assert tags == json.loads(provider.inputs["defaultTags"])["tags"]


def test_the_default_storage_class_encrypts_and_waits_for_the_pods_zone(graph: Graph) -> None:
    (storage_class,) = graph.of_kind("StorageClass")
    assert storage_class.metadata["name"] == "gp3"
    assert storage_class.metadata["annotations"] == {"storageclass.kubernetes.io/is-default-class": "true"}
    assert storage_class.inputs["provisioner"] == "ebs.csi.aws.com"
    parameters = storage_class.inputs["parameters"]
    assert (parameters["type"], parameters["encrypted"]) == ("gp3", "true")
    assert storage_class.inputs["volumeBindingMode"] == "WaitForFirstConsumer"
    assert storage_class.inputs["allowVolumeExpansion"] is True


def test_the_aws_provider_has_the_account_and_the_tags_of_the_stack(graph: Graph) -> None:
    provider = graph.named("pulumi:providers:aws", "aws")
    assert json.loads(provider.inputs["allowedAccountIds"]) == ["123456789012"]
    tags = json.loads(provider.inputs["defaultTags"])["tags"]
    assert set(tags) == {"platform", "stack", "owner", "cost-center"}
    assert tags["stack"] == provider.urn.split(":")[2]


@pytest.mark.parametrize("name", CHARTS)
def test_the_role_of_a_chart_trusts_the_charts_service_account(known: Graph, name: str) -> None:
    pod_identity, release = association(known, name), known.release(name)
    values = release.inputs["values"]
    account = values["serviceAccount"] if "serviceAccount" in values else values["rbac"]["serviceAccount"]
    assert account["name"] == pod_identity.inputs["serviceAccount"] == name
    assert release.inputs["namespace"] == pod_identity.inputs["namespace"] == "kube-system"
    (role,) = (one for one in known.of_type("aws:iam/role:Role") if one.name.endswith(f"-{name}"))
    assert_trusts(role, name)


def test_by_default_volumes_have_the_accounts_key_and_the_driver_uses_no_other(graph: Graph) -> None:
    assert not [one for one in graph.of_type("aws:iam/rolePolicy:RolePolicy") if "ebs-csi" in one.name]
    (storage_class,) = graph.of_kind("StorageClass")
    assert "kmsKeyId" not in storage_class.inputs["parameters"]


@pytest.mark.parametrize("role", ["hello-dev-aws-ebs-csi-driver", "hello-dev-jenkins"])
def test_a_key_of_ones_own_encrypts_volumes_and_only_ec2_uses_it(role: str) -> None:
    """For the driver, and for who makes snapshots: https://docs.aws.amazon.com/ebs/latest/userguide/dlm-prerequisites.html.

    https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html
    """
    settings = delivery_config()
    cluster = {**json.loads(settings["hello-platform:cluster"]), "volumeKeyArn": KEY}
    graph = configured({**settings, "hello-platform:cluster": json.dumps(cluster)})
    (storage_class,) = graph.of_kind("StorageClass")
    assert storage_class.inputs["parameters"]["kmsKeyId"] == KEY
    policy = graph.named("aws:iam/rolePolicy:RolePolicy", role)
    if "ebs-csi" in role:
        assert policy.urn in addon_named(graph, "aws-ebs-csi-driver").dependencies
    document = json.loads(policy.inputs["policy"])
    by_ec2 = {"kms:ViaService": ["ec2.ap-northeast-2.amazonaws.com"]}
    for_aws = {**by_ec2, "kms:GrantIsForAWSResource": ["true"]}
    for action in ("Decrypt", "DescribeKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo"):
        assert allows([document], Access(f"kms:{action}", KEY, by_ec2)), action
        assert not allows([document], Access(f"kms:{action}", KEY)), "without EC2"
    assert allows([document], Access("kms:CreateGrant", KEY, for_aws))
    assert not allows([document], Access("kms:CreateGrant", KEY, by_ec2)), "a grant for anybody"
    assert not allows([document], Access("kms:Decrypt", f"{KEY}0", by_ec2)), "another key"
